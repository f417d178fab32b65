// Direct convolution forward, NHWC, lanes over K (kernel: conv2d_direct-inl.h). A thread owns bands of output
// rows. The packed filters of a tile (R S C times 8 to 32 floats) and the band's x (at most 64 KiB) stay in
// L1/L2, so FMA is the roof; with K below the lanes the unused ones are lost (K = 6: a quarter of 8).
#include <algorithm>

#include "backends/cpu/conv2d_direct.h"
#include "backends/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/conv2d_direct_fprop.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/conv2d_direct-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

int64_t FilterTile(int64_t filters) { return filter_tile_of(filters); }
void FpropRow(const DirectRow& row, int64_t filter_tile) { direct_row(row, filter_tile); }

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(FilterTile);
HWY_EXPORT(FpropRow);

// Where the workspace keeps what, in floats. Filters of each group fill whole tiles.
struct Layout {
  int64_t tile, padded_filters, taps;
  int64_t bias, scratch, scratch_each, total;  // the packed filters are at 0
};
Layout layout_of(const Conv2dProblem& p, const Bands& bands) {
  Layout l;
  l.tile = HWY_DYNAMIC_DISPATCH(FilterTile)(p.K / p.groups);
  l.padded_filters = (p.K / p.groups + l.tile - 1) / l.tile * l.tile;
  l.taps = p.R * p.S * (p.C / p.groups);
  l.bias = whole_lines(p.groups * l.padded_filters * l.taps);
  l.scratch = l.bias + whole_lines(p.groups * l.padded_filters);
  l.scratch_each = whole_lines(bands.scratch());
  l.total = l.scratch + l.scratch_each * max_threads();
  return l;
}

// KRSC to group, tile, r, s, c, filter of the tile; bias to whole tiles.
void pack(const Conv2dProblem& p, const Layout& l, const float* w, const float* b, float* packed) {
  const int64_t K = p.K / p.groups;
  float* bias = packed + l.bias;
  for (int64_t g = 0; g < p.groups; g++)
    for (int64_t k = 0; k < l.padded_filters; k++) {
      float* to = packed + (g * l.padded_filters + k / l.tile * l.tile) * l.taps + k % l.tile;
      const float* from = w + (g * K + k) * l.taps;
      for (int64_t tap = 0; tap < l.taps; tap++) to[tap * l.tile] = k < K ? from[tap] : 0;
      bias[g * l.padded_filters + k] = b && k < K ? b[g * K + k] : 0;
    }
}

}  // namespace

size_t direct_fprop_workspace(const Conv2dProblem& p) {
  return size_t(layout_of(p, bands_of(p)).total) * sizeof(float);
}

void direct_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                  void* workspace) {
  const Bands bands = bands_of(p);
  const Layout l = layout_of(p, bands);
  const Runs runs = runs_of(p, bands.x_width);
  const int64_t P = p.P(), Q = p.Q(), K = p.K / p.groups, C = p.C / p.groups, row_floats = Q * p.K;
  auto* packed = static_cast<float*>(workspace);
  pack(p, l, w, b, packed);
  const auto band = [&](int64_t i, float* scratch) {
    const int64_t n = i / bands.per_image, first = i % bands.per_image * bands.rows;
    const int64_t rows = std::min(bands.rows, P - first);
    const float* from = band_input(p, bands, x, n, first, rows, scratch);
    float* to = y + (n * P + first) * row_floats;
    for (int64_t row = 0; row < rows; row++, from += p.stride_h * bands.x_width, to += row_floats) {
      for (int64_t g = 0; g < p.groups; g++) HWY_DYNAMIC_DISPATCH(FpropRow)
      (DirectRow{.runs = runs,
                 .x = from + g * C,
                 .x_step = p.stride_w * p.C,
                 .w = packed + g * l.padded_filters * l.taps,
                 .w_taps = l.taps,
                 .bias = packed + l.bias + g * l.padded_filters,
                 .y = to + g * K,
                 .y_step = p.K,
                 .filters = K,
                 .Q = Q},
       l.tile);
      if (p.activation.kind != ActivationKind::none) activate(p.activation, to, to, row_floats);
    }
  };
  parallel_ranges(
      p.N * bands.per_image,
      [&](int64_t begin, int64_t end, int thread) {
        for (int64_t i = begin; i < end; i++) band(i, packed + l.scratch + thread * l.scratch_each);
      },
      threads_for(p.flops() / kFlopsPerElement));
}

}  // namespace gabor::cpu
#endif
