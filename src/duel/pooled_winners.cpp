#include "duel/pooled_winners.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "ops/budget.h"

namespace gabor {
namespace {

// Pictures as the convolution sees them, and the sums of their absolute terms.
struct Pictures {
  Pictures(const FirstBlockProblem& p, const HostTensor& x) {
    for (size_t i = 0; i < size_t(p.conv.x_shape().count()); i++) {
      const size_t c = i % size_t(p.conv.C);
      const bool raw = p.input == DType::u8;
      const double scaled = x.value(i) * (raw ? double(p.normalize.scale[c]) : 1.0);
      const double shift = raw ? p.normalize.shift[c] : 0.0f;
      values.push_back(scaled + shift), magnitudes.push_back(std::fabs(scaled) + std::fabs(shift));
    }
  }
  std::vector<double> values, magnitudes;
};

// The windows of one filter k.
class Filter {
 public:
  Filter(const FirstBlockProblem& p, std::span<const HostTensor> inputs, const Pictures& x, double terms,
         int64_t k)
      : p_(p), x_(x), k_(k), terms_(terms), dy_(inputs[3].floats()) {
    const int64_t count = p.conv.reduction();
    w_ = inputs[1].floats().subspan(size_t(k * count), size_t(count));
    b_ = inputs[2] ? inputs[2].floats()[size_t(k)] : 0;
    dw_magnitude.assign(size_t(count), 0), dw_added.assign(size_t(count), 0);
  }

  void run() {
    for (int64_t n = 0; n < p_.conv.N; n++)
      for (int64_t i = 0; i < p_.pool.P(); i++)
        for (int64_t j = 0; j < p_.pool.Q(); j++) window(n, i, j);
  }

  std::vector<double> dw_magnitude, dw_added;
  double db_magnitude = 0, db_added = 0;

 private:
  struct Tap {
    int64_t row, column;  // in the convolution's output
    double sum, budget;
  };

  void window(int64_t n, int64_t i, int64_t j) {
    const Pool2dProblem& pool = p_.pool;
    const double d = std::fabs(dy_[size_t(((n * pool.P() + i) * pool.Q() + j) * pool.C + k_)]);
    if (d == 0) return;
    taps_.clear();
    double best = -INFINITY, budget = 0;
    for (int64_t r = 0; r < pool.R; r++)
      for (int64_t s = 0; s < pool.S; s++) {
        const int64_t h = i * pool.stride_h - pool.pad.top + r, v = j * pool.stride_w - pool.pad.left + s;
        if (h < 0 || h >= pool.H || v < 0 || v >= pool.W) continue;
        taps_.push_back(convolve(n, h, v));
        best = std::max(best, taps_.back().sum), budget = std::max(budget, taps_.back().budget);
      }
    if (best < -budget) return;  // ReLU lets nothing through
    std::erase_if(taps_, [&](const Tap& t) { return t.sum < best - 2 * budget; });
    const bool perhaps_none = best <= budget;
    db_magnitude += d;
    if (perhaps_none) db_added += d;
    for (int64_t at = 0; at < p_.conv.reduction(); at++) {
      double low = perhaps_none ? 0 : INFINITY, high = perhaps_none ? 0 : -INFINITY, size = 0;
      for (const Tap& t : taps_) {
        const int64_t e = element(n, t.row, t.column, at);
        const double x = e < 0 ? 0 : x_.values[size_t(e)];
        low = std::min(low, x), high = std::max(high, x);
        size = std::max(size, e < 0 ? 0 : x_.magnitudes[size_t(e)]);
      }
      dw_magnitude[size_t(at)] += d * size;
      dw_added[size_t(at)] += d * (high - low);
    }
  }

  Tap convolve(int64_t n, int64_t row, int64_t column) const {
    double sum = b_, size = std::fabs(b_);
    for (int64_t at = 0; at < p_.conv.reduction(); at++) {
      const int64_t e = element(n, row, column, at);
      if (e < 0) continue;
      sum += x_.values[size_t(e)] * double(w_[size_t(at)]);
      size += x_.magnitudes[size_t(e)] * std::fabs(w_[size_t(at)]);
    }
    return {row, column, sum, sum_budget(terms_, size)};
  }

  // Of the picture, under element `at` of the filter (r,s,c); -1: in the padding.
  int64_t element(int64_t n, int64_t row, int64_t column, int64_t at) const {
    const Conv2dProblem& c = p_.conv;
    const int64_t group = c.C / c.groups, first = k_ / (c.K / c.groups) * group;
    const int64_t h = row * c.stride_h - c.pad.top + at / (c.S * group) * c.dil_h;
    const int64_t v = column * c.stride_w - c.pad.left + at / group % c.S * c.dil_w;
    if (h < 0 || h >= c.H || v < 0 || v >= c.W) return -1;
    return ((n * c.H + h) * c.W + v) * c.C + first + at % group;
  }

  const FirstBlockProblem& p_;
  const Pictures& x_;
  int64_t k_;
  double terms_;
  std::span<const float> w_, dy_;
  double b_ = 0;
  std::vector<Tap> taps_;
};

}  // namespace

WinnerBounds winner_bounds(const FirstBlockProblem& p, std::span<const HostTensor> inputs, double terms) {
  const Pictures x(p, inputs[0]);
  const size_t count = size_t(p.conv.reduction());
  WinnerBounds out{HostTensor(p.conv.w_shape()), HostTensor(p.conv.b_shape()), {}, {}};
  out.dw_added.resize(size_t(p.conv.w_shape().count())), out.db_added.resize(size_t(p.conv.K));
  parallel_for(p.conv.K, [&](int64_t k) {
    Filter filter(p, inputs, x, terms, k);
    filter.run();
    for (size_t at = 0; at < count; at++) {
      out.dw_magnitude.floats()[size_t(k) * count + at] = float(filter.dw_magnitude[at]);
      out.dw_added[size_t(k) * count + at] = filter.dw_added[at];
    }
    out.db_magnitude.floats()[size_t(k)] = float(filter.db_magnitude),
    out.db_added[size_t(k)] = filter.db_added;
  });
  return out;
}

}  // namespace gabor
