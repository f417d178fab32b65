// Direct convolution, gradient of x, NHWC, a row h of dx at a time. The taps of a filter row lie side by side
// in dx (S C floats), so
//   t[q, j] = sum over r,k of dy[(h + top - r dil) / stride, q, k] w[k, r, j]   (conv2d_direct-inl.h)
//   dx[h, q stride C + j] += t[q, j]
// with lanes over j: few channels still fill them (S C = 30 for LeNet's 6 channels and 5 taps), any stride
// works, and only rows of dy that exist are multiplied. FMA is the roof, less three memory instructions a
// vector of t against R K FMAs. Rows of dx are independent and add up in the order of q.
#include <algorithm>
#include <cstring>
#include <numeric>

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

// t = row, then added to dx from `to` on, to_step floats from one q to the next. t holds whole tiles a
// column; what is past `length` in it is not added (it may be NaN: a zero filter times an infinite dy), but
// up to a vector of zeros is.
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

constexpr int64_t kSlack = 16;  // floats after the row that the last vector may touch

// Where the workspace keeps what, in floats: packed filters (group, run of a filter row, tile of the run, r,
// k, lane), a zero bias, then for each thread a padded row of dx and a row of t.
struct Layout {
  int64_t tile, padded_length, x_width;
  int64_t zeros, thread, t, thread_each, total;  // t: from the thread's begin
};
Layout layout_of(const Conv2dProblem& p) {
  Layout l;
  l.x_width = (p.W + p.pad.left + p.pad.right) * p.C;
  const Runs runs = runs_of(p, l.x_width);
  l.tile = HWY_DYNAMIC_DISPATCH(RunTile)(runs.length);
  l.padded_length = (runs.length + l.tile - 1) / l.tile * l.tile;
  l.zeros = whole_lines(p.K * runs.count * l.padded_length);
  l.thread = l.zeros + whole_lines(l.padded_length);
  l.t = whole_lines(l.x_width + kSlack);
  l.thread_each = l.t + whole_lines(p.Q() * l.padded_length);
  l.total = l.thread + l.thread_each * max_threads();
  return l;
}

void pack(const Conv2dProblem& p, const Runs& runs, const Layout& l, const float* w, float* packed) {
  const int64_t K = p.K / p.groups;
  for (int64_t g = 0; g < p.groups; g++)
    for (int64_t run = 0; run < runs.per_row; run++)
      for (int64_t j0 = 0; j0 < l.padded_length; j0 += l.tile)
        for (int64_t r = 0; r < p.R; r++)
          for (int64_t k = 0; k < K; k++) {
            const float* from = w + ((g * K + k) * runs.count + r * runs.per_row + run) * runs.length;
            for (int64_t j = j0; j < j0 + l.tile; j++) *packed++ = j < runs.length ? from[j] : 0;
          }
}

// The filter rows that reach a row of dx: first, first + step, ..., `count` of them. Each next one reads the
// row of dy that lies dy_step rows higher up than the last one's, the first one's being dy_row.
struct FilterRows {
  int64_t first = 0, step = 1, count = 0, dy_row = 0, dy_step = 0;
};
FilterRows filter_rows(const Conv2dProblem& p, int64_t h) {
  const int64_t common = std::gcd(p.stride_h, p.dil_h);
  FilterRows rows{.step = p.stride_h / common, .dy_step = p.dil_h / common};
  for (int64_t r = 0; r < p.R; r++) {
    const int64_t at = h + p.pad.top - r * p.dil_h;
    if (at < 0 || at % p.stride_h != 0 || at / p.stride_h >= p.P()) continue;
    if (rows.count++ == 0) rows.first = r, rows.dy_row = at / p.stride_h;
  }
  return rows;
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

  const auto dx_row = [&](int64_t n, int64_t h, float* sums) {
    std::fill_n(sums, l.x_width + kSlack, 0.0f);
    const FilterRows rows = filter_rows(p, h);
    for (int64_t g = 0; g < p.groups && rows.count > 0; g++)
      for (int64_t run = 0; run < runs.per_row; run++) HWY_DYNAMIC_DISPATCH(DgradRow)
    (DirectRow{.runs = {.count = rows.count, .length = K, .row_step = -rows.dy_step * Q * p.K},
               .x = dy + (n * P + rows.dy_row) * Q * p.K + g * K,
               .x_step = p.K,
               .w = packed + (g * runs.per_row + run) * l.padded_length * p.R * K + rows.first * K * l.tile,
               .w_taps = p.R * K,
               .w_skip = (rows.step - 1) * K,
               .bias = packed + l.zeros,
               .y = sums + l.t,
               .y_step = l.padded_length,
               .filters = l.padded_length,
               .Q = Q},
     l.tile, runs.length, sums + run * runs.step + g * C, p.stride_w * p.C);
    const float* from = sums + p.pad.left * p.C;
    float* to = dx + (n * p.H + h) * width;
    if (accumulate)
      add(to, from, to, width);
    else
      std::memcpy(to, from, size_t(width) * sizeof(float));
  };
  parallel_ranges(
      p.N * p.H,
      [&](int64_t begin, int64_t end, int thread) {
        for (int64_t i = begin; i < end; i++)
          dx_row(i / p.H, i % p.H, packed + l.thread + thread * l.thread_each);
      },
      threads_for(p.flops() / kFlopsPerElement));
}

}  // namespace gabor::cpu
#endif
