// From the launchers' plain arguments to the types of kernel templates.
#pragma once
#include "kernels/common/storage.h"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

// Calls f(Element{}) with the type that `storage` names.
template <class F>
void with_element(Storage storage, F f) {
  switch (storage) {
    case Storage::f32:
      return f(float{});
    case Storage::f16:
      return f(simt::half{});
    case Storage::bf16:
      return f(simt::bfloat16{});
  }
}

inline LaunchConfig grid_of(dim3 grid, int block_threads, Stream stream) {
  LaunchConfig config;
  config.grid = grid;
  config.block = dim3(unsigned(block_threads));
  config.stream = static_cast<decltype(config.stream)>(stream);
  return config;
}

// One thread for each of `count` results.
inline LaunchConfig thread_each(int64_t count, int block_threads, Stream stream) {
  return grid_of(dim3(unsigned(simt::ceil_div<int64_t>(count, block_threads))), block_threads, stream);
}

}  // namespace gabor::kernels
