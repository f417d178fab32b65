#include <numeric>

#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/conv2d/implicit_dgrad.cuh"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/tiles.cuh"

namespace gabor::kernels::conv2d {

// Row h is read by tap r at position p where p stride = start - r dilation, start = first + i stride + before. Modulo
// stride that asks the same of r for all i: r = first_tap, first_tap + stride / gcd, ..., or no r at all.
DgradAxis::DgradAxis(int64_t first_of_class, int64_t extent, int64_t taps, int64_t before,
                     int64_t stride_of_window, int64_t dilation, int64_t positions_of_dy)
    : first(int32_t(first_of_class)), stride(int32_t(stride_of_window)) {
  const int64_t common = std::gcd(stride_of_window, dilation), step = stride_of_window / common;
  const int64_t start = first_of_class + before;
  int64_t r = 0;
  while (r < step && (start - r * dilation) % stride_of_window != 0) ++r;
  const int64_t class_taps = r < step && r < taps ? (taps - 1 - r) / step + 1 : 0;
  first_tap = int32_t(r);
  tap_step = int32_t(step);
  sweep = {.positions = int32_t(simt::ceil_div(extent - first_of_class, stride_of_window)),
           .taps = int32_t(class_taps),
           .step = 1,
           .origin = class_taps > 0 ? int32_t((start - r * dilation) / stride_of_window) : 0,
           .tap_step = int32_t(-dilation / common),
           .extent = int32_t(positions_of_dy)};
}

namespace {

template <class Config, class Element, int kVector>
void run(const Conv2dProblem& p, const DgradParams& params, const void* dy, const void* w, void* dx,
         bool accumulate, Stream stream) {
  const int64_t blocks = simt::ceil_div<int64_t>(params.rows, Config::kTileRows) *
                         simt::ceil_div<int64_t>(params.columns, Config::kTileColumns);
  launch(grid_of(dim3(unsigned(blocks), 1, unsigned(p.groups)), Config::kBlockThreads, stream),
         implicit_dgrad<Config, Element, kVector, Gradient>, params, static_cast<const Element*>(dy),
         static_cast<const Element*>(w), Gradient{accumulate}, static_cast<Element*>(dx));
}

}  // namespace

void implicit_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                    bool accumulate, Stream stream) {
  const bool quads = p.C / p.groups % kQuad == 0 && p.K / p.groups % kQuad == 0;
  for (int64_t h = 0; h < p.stride_h && h < p.H; ++h)
    for (int64_t v = 0; v < p.stride_w && v < p.W; ++v) {
      const DgradParams params(p, h, v);
      if (accumulate && params.depth == 0) continue;  // a class that no window reads: nothing to add
      with_element(storage, [&]<class Element>(Element) {
        with_tile(p.C / p.groups, [&]<class Config>(Config) {
          if (quads) return run<Config, Element, kQuad>(p, params, dy, w, dx, accumulate, stream);
          return run<Config, Element, 1>(p, params, dy, w, dx, accumulate, stream);
        });
      });
    }
}

}  // namespace gabor::kernels::conv2d
