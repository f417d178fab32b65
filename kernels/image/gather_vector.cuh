// Pictures of a set into a batch, rung 2. Its one idea: 16 neighbouring bytes of y to a thread, so that the place is worked
// out once for 16, in 32 bits and without a division, and y is written by 128-bit stores; where the picture is neither moved
// nor mirrored, and lies in x as it does in y, it is read by 128-bit loads too.
//
// Results are those of rung 1, bit for bit. x: any alignment. y: aligned to 16 bytes, smaller than 2^31. The 16 bytes may
// belong to two pictures, or more where these are tiny; the last thread may have fewer. A thread owns 16 bytes, a block
// kThreads * 16 neighbouring ones. No shared memory; at most 64 registers.
// No FLOP, 32 bytes a thread. A plain copy is some 40 instructions: DRAM-bound. A moved picture takes 16 loads of a byte,
// which neighbouring threads find in the L1 cache, and by estimate 250 instructions: a warp's 1 KiB takes 50 cycles of an
// H200 multiprocessor's share of 4.8 TB/s and 63 of its issue slots, 150 and 63 on a GTX 1660 Ti (288 GB/s). The article's
// batch, 128 of 300x300x3: 69 MB, 16 us (moved: 20) and 0.24 ms, beside the step's kernels. No GPU has run it yet.
#pragma once
#include "kernels/common/fast_divide.cuh"
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/image/gather_source.cuh"

namespace gabor::kernels {

struct GatherVectorConfig {
  static constexpr int kThreads = 256, kVector = 16;
  static_assert(kThreads % 32 == 0);
};

struct GatherVectorParams {
  GatherParams g;
  int vectors;                         // of y; the last may be cut off
  FastDivide picture, line, channels;  // bytes of a picture, bytes of a line, channels

  explicit GatherVectorParams(const GatherParams& params)
      : g(params),
        vectors(int(simt::ceil_div<int64_t>(params.count, GatherVectorConfig::kVector))),
        picture(params.H * params.W * params.C),
        line(params.W * params.C),
        channels(params.C) {}
};

template <class Config>
__global__ void __launch_bounds__(Config::kThreads) gather_vector(GatherVectorParams a, uint8_t* y) {
  constexpr int kVector = Config::kVector;
  using Vector = Pack<uint8_t, kVector>;
  const GatherParams& g = a.g;
  const int64_t index = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (index >= a.vectors) return;
  const int begin = int(index) * kVector;
  const int bytes = g.count - begin < kVector ? int(g.count - begin) : kVector;
  const int picture_bytes = g.H * g.W * g.C;
  int c = begin;
  int n = a.picture.split(c);
  PictureRow row = g.rows[n];

  const uint8_t* copied = g.x + int64_t(row.picture) * picture_bytes + c;
  const bool moved = row.down != 0 || row.right != 0 || row.flip != 0;
  const bool aligned = reinterpret_cast<uintptr_t>(copied) % kVector == 0;
  if (!moved && aligned && bytes == kVector && c + kVector <= picture_bytes) {
    simt::store(y + begin, simt::load<Vector>(copied));
    return;
  }

  int h = a.line.split(c);
  int w = a.channels.split(c);
  GatherLine source(g, row, h);
  const uint8_t* pixel = source.pixel(w);
  Vector v;
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) {
    v.e[i] = i < bytes ? pixel[c] : uint8_t{0};
    if (++c < g.C) continue;
    c = 0;
    if (++w == g.W) {
      w = 0;
      if (++h == g.H) {
        h = 0;
        if (i + 1 < bytes) row = g.rows[++n];
      }
      source = GatherLine(g, row, h);
    }
    pixel = source.pixel(w);
  }
  if (bytes == kVector) {
    simt::store(y + begin, v);
  } else {
    GABOR_UNROLL  // an index that is known keeps v in registers
        for (int i = 0; i < kVector; ++i) if (i < bytes) y[begin + i] = v.e[i];
  }
}

}  // namespace gabor::kernels
