#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/implicit_wgrad.cuh"
#include "kernels/conv2d/tiles.cuh"
#include "kernels/conv2d/wgrad_slices.h"

namespace gabor::kernels::conv2d {
namespace {

template <class Config, class Element, int kVector>
void run(const Conv2dProblem& p, const void* x, const void* dy, float* dw, float* db, bool accumulate,
         int slices, const JoinMemory& memory, Stream stream) {
  const WgradParams params(p, db != nullptr, slices, Config::kTileDepth);
  const int64_t blocks = simt::ceil_div<int64_t>(params.rows, Config::kTileRows) *
                         simt::ceil_div<int64_t>(params.columns, Config::kTileColumns);
  const FilterGradients gradients(p.K, p.reduction(), slices, p.groups * blocks, memory, dw, db, accumulate);
  launch(grid_of(dim3(unsigned(blocks), unsigned(slices), unsigned(p.groups)), Config::kBlockThreads, stream),
         implicit_wgrad<Config, Element, kVector>, params, static_cast<const Element*>(x),
         static_cast<const Element*>(dy), gradients);
}

}  // namespace

int implicit_wgrad_slices(const Conv2dProblem& p, int multiprocessors) {
  int64_t tiles = 0;
  with_wgrad_tile(p.K / p.groups, p.reduction() + 1, [&]<class Config>(Config) {
    tiles = p.groups * simt::ceil_div<int64_t>(p.K / p.groups, Config::kTileRows) *
            simt::ceil_div<int64_t>(p.reduction() + 1, Config::kTileColumns);
  });
  return wgrad_slices(tiles, p.N * p.P() * p.Q(), multiprocessors);
}

size_t implicit_wgrad_workspace(const Conv2dProblem& p, int slices) {
  return size_t(slices) * size_t(p.K) * size_t(p.reduction() + 1) * sizeof(float);
}

void implicit_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                    float* db, bool accumulate, int slices, const JoinMemory& memory, Stream stream) {
  const bool quads = p.C / p.groups % kQuad == 0 && p.K / p.groups % kQuad == 0;
  const int64_t columns = p.reduction() + (db ? 1 : 0);
  with_element(storage, [&]<class Element>(Element) {
    with_wgrad_tile(p.K / p.groups, columns, [&]<class Config>(Config) {
      if (quads) return run<Config, Element, kQuad>(p, x, dy, dw, db, accumulate, slices, memory, stream);
      return run<Config, Element, 1>(p, x, dy, dw, db, accumulate, slices, memory, stream);
    });
  });
}

bool implicit_gemm_fits(const Conv2dProblem& p) {
  // A window may start a whole span before its image, and counts are rounded up to tiles: leave half of 2^31 free.
  constexpr int64_t kLimit = int64_t{1} << 30, kMostGroups = 65535;
  const int64_t span_h = p.H + p.pad.top + p.pad.bottom + (p.R + 1) * p.dil_h + p.stride_h;
  const int64_t span_w = p.W + p.pad.left + p.pad.right + (p.S + 1) * p.dil_w + p.stride_w;
  const bool counts = p.N * p.P() * p.Q() < kLimit && p.N * span_h < kLimit / span_w &&
                      p.R * p.S * std::max(p.C, p.K) / p.groups < kLimit && p.K < kLimit && p.C < kLimit;
  const int64_t least_tile = Tile128x128::kTileRows;
  const int64_t tiles = simt::ceil_div(p.N * std::max(p.P() * p.Q(), p.H * p.W), least_tile) *
                        simt::ceil_div(std::max(p.K, p.C) / p.groups, int64_t{16});
  return counts && tiles < kLimit && p.groups <= kMostGroups;
}

}  // namespace gabor::kernels::conv2d
