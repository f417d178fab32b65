// Which byte of the set a byte of the batch comes from, shared by the rungs of gather.
#pragma once
#include "core/problem/gather.h"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

struct GatherParams {
  int64_t count;  // bytes of y
  int H, W, C;
  const uint8_t* x;
  const PictureRow* rows;
};

// As reflected() of core/problem/gather.h; nearly all places lie inside and cost no division.
__device__ inline int mirrored_in(int i, int size) {
  if (unsigned(i) < unsigned(size)) return i;
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i %= period;
  i = i < 0 ? i + period : i;
  return i < size ? i : period - i;
}

// Line h of a picture of y, and where its pixels lie in x.
struct GatherLine {
  const uint8_t* from;
  int W, C, first, step;  // pixel w is column first + w * step, mirrored in

  __device__ GatherLine(const GatherParams& g, const PictureRow& row, int h)
      : from(g.x + (int64_t(row.picture) * g.H + mirrored_in(h - row.down, g.H)) * (g.W * g.C)),
        W(g.W),
        C(g.C),
        first((row.flip ? g.W - 1 : 0) - row.right),
        step(row.flip ? -1 : 1) {}
  __device__ const uint8_t* pixel(int w) const { return from + mirrored_in(first + w * step, W) * C; }
};

}  // namespace gabor::kernels
