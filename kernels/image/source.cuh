// Which byte of a picture an element of the crop comes from, shared by the rungs.
#pragma once
#include "kernels/elementwise/normalize.cuh"
#include "kernels/image/image.h"

namespace gabor::kernels {

struct CropParams {
  int64_t count;  // elements of y
  int H, W, C, P, Q;
  float scale[4], shift[4];
  const uint8_t* x;
  const Crop* crops;  // null: Crop{} for all
};

// A row of y, and where its pixels lie in x.
struct CropRow {
  const uint8_t* from;  // the picture's row; read only if `inside`
  bool inside;
  int first, step;  // column of pixel q in the picture: first + q * step

  // Row p of sample n.
  __device__ CropRow(const CropParams& g, int64_t n, int p) {
    const Crop crop = g.crops ? g.crops[n] : Crop{};
    const int h = crop.top + p;
    inside = unsigned(h) < unsigned(g.H);
    from = g.x + (n * g.H + h) * g.W * g.C;
    first = crop.flip ? crop.left + g.Q - 1 : crop.left;
    step = crop.flip ? -1 : 1;
  }
  // Channel c of pixel q of the row, normalised.
  __device__ float value(const CropParams& g, int q, int c) const {
    const int w = first + q * step;
    if (!inside || unsigned(w) >= unsigned(g.W)) return 0.0f;
    return __fmaf_rn(float(from[int64_t(w) * g.C + c]), pick(g.scale, unsigned(c)),
                     pick(g.shift, unsigned(c)));
  }
};

}  // namespace gabor::kernels
