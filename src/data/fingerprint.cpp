#include "data/fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace gabor {

struct Fingerprint::State {
  XXH3_state_t xxh;
};

uint64_t hash_bytes(std::span<const uint8_t> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Fingerprint::Fingerprint() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh); }
Fingerprint::~Fingerprint() = default;
void Fingerprint::add(const void* data, size_t bytes) { XXH3_64bits_update(&state_->xxh, data, bytes); }
uint64_t Fingerprint::value() const { return XXH3_64bits_digest(&state_->xxh); }

}  // namespace gabor
