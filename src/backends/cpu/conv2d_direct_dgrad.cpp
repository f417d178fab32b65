// Direct convolution, gradient of x, NHWC. For each row p of dy and each run of taps (a filter row: S C floats that lie
// side by side in dx)
//   t[q, j] = sum over k of dy[q, k] w[k, run, j]      a matrix product in registers (conv2d_direct-inl.h)
//   dx[q stride C + run offset + j] += t[q, j]
// with the lanes over j, so that few channels still fill them (S C = 30 for LeNet's 6 channels and 5 taps), any stride
// works, and no product with padding is computed. One thread does an image, in its own padded scratch: dx adds up in
// one order. FMA is the roof, less the additions: 3 memory instructions a vector of t against K FMAs.
#include <algorithm>
#include <cstring>

#include "backends/cpu/conv2d_direct.h"
#include "backends/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/conv2d_direct_dgrad.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/conv2d_direct-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

int64_t RunTile(int64_t length) { return filter_tile_of(length); }

// t = row, then added to dx from `to` on, to_step floats from one q to the next. t holds whole tiles a column; what is
// past `length` in it is not added (it may be NaN: a zero filter times an infinite dy), but up to a vector of zeros is.
void DgradRow(const DirectRow& row, int64_t tile, int64_t length, float* to, int64_t to_step) {
  direct_row(row, tile);
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  const float* t = row.y;
  for (int64_t q = 0; q < row.Q; q++, t += row.y_step, to += to_step) {
    int64_t j = 0;
    for (; j + L <= length; j += L) hn::StoreU(hn::Add(hn::LoadU(d, to + j), hn::LoadU(d, t + j)), d, to + j);
    if (j < length) hn::StoreU(hn::Add(hn::LoadU(d, to + j), load_part(d, t + j, length - j)), d, to + j);
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(RunTile);
HWY_EXPORT(DgradRow);

constexpr int64_t kSlack = 16;  // floats after the image that the last vector may touch

// Where the workspace keeps what, in floats: packed filters (group, run, tile of the run, k, lane), a zero bias, then
// for each thread a padded image and a row of t.
struct Layout {
  int64_t tile, padded_length, x_width, x_rows;
  int64_t zeros, thread, row, thread_each, total;  // row: from the thread's begin
};
Layout layout_of(const Conv2dProblem& p) {
  Layout l;
  l.x_width = (p.W + p.pad.left + p.pad.right) * p.C;
  l.x_rows = p.H + p.pad.top + p.pad.bottom;
  const Runs runs = runs_of(p, l.x_width);
  l.tile = HWY_DYNAMIC_DISPATCH(RunTile)(runs.length);
  l.padded_length = (runs.length + l.tile - 1) / l.tile * l.tile;
  l.zeros = whole_lines(p.K * runs.count * l.padded_length);
  l.thread = l.zeros + whole_lines(l.padded_length);
  l.row = whole_lines(l.x_rows * l.x_width + kSlack);
  l.thread_each = l.row + whole_lines(p.Q() * l.padded_length);
  l.total = l.thread + l.thread_each * max_threads();
  return l;
}

void pack(const Conv2dProblem& p, const Runs& runs, const Layout& l, const float* w, float* packed) {
  const int64_t K = p.K / p.groups;
  for (int64_t g = 0; g < p.groups; g++)
    for (int64_t run = 0; run < runs.count; run++)
      for (int64_t j0 = 0; j0 < l.padded_length; j0 += l.tile)
        for (int64_t k = 0; k < K; k++) {
          const float* from = w + ((g * K + k) * runs.count + run) * runs.length;
          for (int64_t j = j0; j < j0 + l.tile; j++) *packed++ = j < runs.length ? from[j] : 0;
        }
}

}  // namespace

size_t direct_dgrad_workspace(const Conv2dProblem& p) { return size_t(layout_of(p).total) * sizeof(float); }

void direct_dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx, bool accumulate,
                  void* workspace) {
  const Layout l = layout_of(p);
  const Runs runs = runs_of(p, l.x_width);
  const int64_t P = p.P(), Q = p.Q(), K = p.K / p.groups, C = p.C / p.groups, width = p.W * p.C;
  auto* packed = static_cast<float*>(workspace);
  pack(p, runs, l, w, packed);
  std::fill_n(packed + l.zeros, l.padded_length, 0.0f);

  const auto image = [&](int64_t n, float* sums) {
    std::fill_n(sums, l.x_rows * l.x_width + kSlack, 0.0f);
    for (int64_t row = 0; row < P; row++)
      for (int64_t run = 0; run < runs.count; run++) {
        const int64_t h = row * p.stride_h + run / runs.per_row * p.dil_h;
        if (h < p.pad.top || h >= p.pad.top + p.H) continue;
        float* to = sums + row * p.stride_h * l.x_width + runs.offset(run);
        for (int64_t g = 0; g < p.groups; g++)
          HWY_DYNAMIC_DISPATCH(DgradRow)
          (DirectRow{.runs = {.length = K},
                     .x = dy + (n * P + row) * Q * p.K + g * K,
                     .x_step = p.K,
                     .w = packed + (g * runs.count + run) * l.padded_length * K,
                     .bias = packed + l.zeros,
                     .y = sums + l.row,
                     .y_step = l.padded_length,
                     .filters = l.padded_length,
                     .Q = Q},
           l.tile, runs.length, to + g * C, p.stride_w * p.C);
      }
    for (int64_t h = 0; h < p.H; h++) {
      const float* from = sums + (h + p.pad.top) * l.x_width + p.pad.left * p.C;
      float* to = dx + (n * p.H + h) * width;
      if (accumulate)
        add(to, from, to, width);
      else
        std::memcpy(to, from, size_t(width) * sizeof(float));
    }
  };
  parallel_ranges(
      p.N,
      [&](int64_t begin, int64_t end, int thread) {
        for (int64_t n = begin; n < end; n++) image(n, packed + l.thread + thread * l.thread_each);
      },
      threads_for(p.flops() / kFlopsPerElement));
}

}  // namespace gabor::cpu
#endif
