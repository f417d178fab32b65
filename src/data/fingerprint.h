// XXH3 (64 bits) over a sequence of values: to tell whether two data sets are the same, not against forgery.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace gabor {

uint64_t hash_bytes(std::span<const uint8_t> bytes);

class Fingerprint {
 public:
  Fingerprint();
  ~Fingerprint();
  void add(const void* data, size_t bytes);
  void add(uint64_t value) { add(&value, sizeof value); }
  void add(const std::string& text) { add(text.size()), add(text.data(), text.size()); }
  uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gabor
