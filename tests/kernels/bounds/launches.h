// What launchers would launch: they are called as they are, with pointers to nothing, and no kernel runs.
#pragma once
#include <functional>
#include <vector>

#include "kernels/simt/gpu.h"

namespace gabor::kernels::bounds {

// The launches of one call, in order. The program is linked with --wrap of simt::host::run_grid (CMakeLists.txt).
std::vector<simt::host::Launch> launches_of(const std::function<void()>& call);

// A device pointer to pass on, aligned to 256 bytes; never read.
template <class T>
T* nowhere() {
  return reinterpret_cast<T*>(uintptr_t{256});
}

}  // namespace gabor::kernels::bounds
