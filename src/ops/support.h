// ops: one contract per operation (and one rule for all: batch_chunks.h), the context that every call gets, and the
// ordered choice between backends. Backends implement the contracts and know nothing of each other; layers and plans
// use the contracts and know no backend. This file: the words that all contracts share.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

namespace gabor {

// A backend's answer to "can you do this?": yes, or the reason why not.
struct Support {
  bool ok = false;
  std::string reason;
  static Support yes() { return {true, {}}; }
  static Support no(std::string reason) { return {false, std::move(reason)}; }
  explicit operator bool() const { return ok; }
};

enum class Pass : uint8_t { fprop, dgrad, wgrad };
constexpr const char* name_of(Pass pass) {
  return pass == Pass::fprop ? "fprop" : pass == Pass::dgrad ? "dgrad" : "wgrad";
}

// What a gradient call does with what its output holds already.
enum class GradMode : uint8_t { overwrite, accumulate };

}  // namespace gabor
