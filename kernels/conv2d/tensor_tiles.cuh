// The tiles that the implicit GEMMs on tensor cores are built with, and which one serves how many columns (filters of a
// group in fprop, channels of a group in dgrad): 128 rows, the index that grows with N H W, and the narrowest tile that
// holds the columns, down to 16, so that K = 10 uses 10/16 of its instructions. FLOPs for each byte that a tile asks of the
// L2 cache, of 16-bit elements (TF32: half): 64 (128x128), 43 (128x64), 26 (128x32), 14 (128x16).
#pragma once
#include "kernels/common/storage.h"
#include "kernels/conv2d/tensor_tile.cuh"

namespace gabor::kernels::conv2d::tensor {

// rows x columns of the block and of a warp. Calls f with a Config.
template <class F>
void with_tile(int64_t columns, F f) {
  if (columns <= 16) return f(TensorConfig<128, 16, 32, 16>{});
  if (columns <= 32) return f(TensorConfig<128, 32, 32, 32>{});
  if (columns <= 64) return f(TensorConfig<128, 64, 64, 32>{});
  return f(TensorConfig<128, 128, 64, 32>{});
}

// wgrad: rows are filters of a group, columns R S C/groups and the bias gradient. Few columns are a first layer's.
template <class F>
void with_wgrad_tile(int64_t rows, int64_t columns, F f) {
  if (columns <= 32) {
    if (rows <= 32) return f(TensorConfig<32, 32, 16, 16>{});
    return f(TensorConfig<128, 32, 32, 32>{});
  }
  if (rows <= 16) return f(TensorConfig<16, 128, 16, 32>{});
  if (rows <= 32) return f(TensorConfig<32, 128, 32, 32>{});
  if (rows <= 64) return f(TensorConfig<64, 128, 64, 32>{});
  return f(TensorConfig<128, 128, 64, 32>{});
}

// Whether rows of so many elements are whole 16-byte chunks.
inline bool whole_chunks(int64_t elements, Storage storage) {
  return elements % (storage == Storage::f32 ? 4 : 8) == 0;
}

}  // namespace gabor::kernels::conv2d::tensor
