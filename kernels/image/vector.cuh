// Crop, mirror and normalise, rung 2. Its one idea: four neighbouring elements of a row of y to a thread, so that the
// place is worked out once for four, in 32 bits and without a division, and y, four fifths of the bytes, is written by
// 128-bit stores (64-bit of halves).
//
// Formula and results, bit for bit, are those of rung 1 (naive.cuh). x: any alignment (a crop starts anywhere in a row, so
// bytes are read one by one: four loads of a warp cover 128 bytes, which the L1 cache holds after the first). y: aligned to
// 4 elements; Q C a multiple of 4, so that a thread's elements are of one row; fewer than 2^31 quads.
// A thread owns one quad, a block kThreads neighbouring ones. No shared memory; at most 32 registers.
// 8 FLOP and some 60 instructions for 20 bytes (float): a warp's 640 bytes take 31 cycles of an H200 multiprocessor's share
// of 4.8 TB/s and 15 of its issue slots, 94 and 15 on a GTX 1660 Ti (288 GB/s): DRAM-bound on both. The airbench batch, 2000
// of 32x32x3: 31 MB, 6 us and 0.11 ms; the article's 128 of 300x300x3: 173 MB, 36 us and 0.6 ms.
#pragma once
#include "kernels/common/fast_divide.cuh"
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/image/source.cuh"

namespace gabor::kernels {

struct CropVectorConfig {
  static constexpr int kThreads = 256, kVector = 4;
  static_assert(kThreads % 32 == 0);
};

struct CropVectorParams {
  CropParams g;
  int quads;  // of all rows
  FastDivide quads_of_row, rows_of_sample, channels;

  explicit CropVectorParams(const CropParams& params)
      : g(params),
        quads(int(params.count / CropVectorConfig::kVector)),
        quads_of_row(params.Q * params.C / CropVectorConfig::kVector),
        rows_of_sample(params.P),
        channels(params.C) {}
};

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads) crop_normalize_vector(CropVectorParams a, Element* y) {
  constexpr int kVector = Config::kVector;
  const int64_t index = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (index >= a.quads) return;
  int quad = int(index);
  int p = a.quads_of_row.split(quad);
  const int n = a.rows_of_sample.split(p);
  int c = quad * kVector;
  int q = a.channels.split(c);
  const CropRow source(a.g, n, p);
  float v[kVector];
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) {
    v[i] = source.value(a.g, q, c);
    const bool last = ++c == a.g.C;
    c = last ? 0 : c;
    q += last;
  }
  store_floats(y + index * kVector, v);
}

}  // namespace gabor::kernels
