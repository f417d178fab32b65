#pragma once
#include <cstdint>
#include <initializer_list>

namespace gabor::cuda {

// What the faster rungs ask of every tensor. Arenas keep to it; views that a caller made may not.
inline bool aligned_to_16(std::initializer_list<const void*> tensors) {
  for (const void* t : tensors)
    if (reinterpret_cast<uintptr_t>(t) % 16 != 0) return false;
  return true;
}

}  // namespace gabor::cuda
