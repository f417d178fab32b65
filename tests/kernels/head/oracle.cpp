#include "kernels/head/oracle.h"

#include "kernels/class_labels.h"

namespace gabor::kernel_tests {
namespace {

// visit(output, input) of each pair of a window's place and an element in it that lies in x, in order of taps.
template <class Visit>
void for_windows(const Pool2dProblem& p, Visit&& visit) {
  size_t out = 0;
  for (int64_t n = 0; n < p.N; ++n)
    for (int64_t i = 0; i < p.P(); ++i)
      for (int64_t j = 0; j < p.Q(); ++j)
        for (int64_t c = 0; c < p.C; ++c, ++out)
          for (int64_t r = 0; r < p.R; ++r)
            for (int64_t s = 0; s < p.S; ++s) {
              const int64_t h = i * p.stride_h - p.pad.top + r, w = j * p.stride_w - p.pad.left + s;
              if (h >= 0 && h < p.H && w >= 0 && w < p.W)
                visit(out, size_t(((n * p.H + h) * p.W + w) * p.C + c));
            }
}

// The input that each window takes.
std::vector<size_t> winners(const HeadProblem& p, const HeadValues& v) {
  constexpr size_t kNone = size_t(-1);
  std::vector<size_t> taken(size_t(p.N * p.layer(0).C), kNone);
  for_windows(*p.pool, [&](size_t out, size_t in) {
    const bool nan = std::isnan(v.x[in]);
    if (taken[out] == kNone || v.x[in] > v.x[taken[out]] || (nan && !std::isnan(v.x[taken[out]])))
      taken[out] = in;
  });
  return taken;
}

// A sum of products, and of their absolute values.
struct Sum {
  double value = 0, magnitude = 0;
  void add(double v) { value += v, magnitude += std::fabs(v); }
};

// The gradient of what layer i reads: sum over k of dz[n,k] w[k,c].
std::vector<Sum> gradient_of_x(const HeadProblem& p, const HeadValues& v, size_t layer) {
  const DenseProblem& d = p.dense[layer];
  std::vector<Sum> dx(size_t(d.N * d.C));
  for (int64_t n = 0; n < d.N; ++n)
    for (int64_t c = 0; c < d.C; ++c)
      for (int64_t k = 0; k < d.K; ++k)
        dx[size_t(n * d.C + c)].add(double(v.dz[layer][size_t(n * d.K + k)]) *
                                    double(v.w[layer][size_t(k * d.C + c)]));
  return dx;
}

}  // namespace

Expected head_pooled(const HeadProblem& p, const HeadValues& v) {
  Expected pooled;
  for (const size_t in : winners(p, v)) pooled.add(v.x[in], 0);
  return pooled;
}

Expected head_y(const HeadProblem& p, const HeadValues& v, size_t layer) {
  const DenseProblem& d = p.dense[layer];
  const std::vector<float>& x = v.x_of(layer);
  Expected y;
  for (int64_t n = 0; n < d.N; ++n)
    for (int64_t k = 0; k < d.K; ++k) {
      Sum sum;
      if (!v.b[layer].empty()) sum.add(v.b[layer][size_t(k)]);
      for (int64_t c = 0; c < d.C; ++c)
        sum.add(double(x[size_t(n * d.C + c)]) * double(v.w[layer][size_t(k * d.C + c)]));
      const bool off = d.activation.kind == ActivationKind::relu && sum.value <= 0;
      y.add(off ? 0 : sum.value, gabor::sum_budget(double(d.C) + 1, sum.magnitude));
    }
  return y;
}

ExpectedLoss head_loss(const HeadProblem& p, const HeadValues& v, float scale) {
  const int64_t K = p.classes();
  const double e = p.label_smoothing, share = e / double(K);
  ExpectedLoss want;
  double total = 0, error = 0, magnitude = 0;
  for (int64_t n = 0; n < p.N; ++n) {
    const float* y = v.y[size_t(p.layers - 1)].data() + n * K;
    const auto [label, other, w] = labels_of(v.labels, n, p.two_labels);
    if (label == -1) {
      for (int64_t k = 0; k < K; ++k) want.dz.add(0, 0);
      continue;
    }
    bool has_nan = false;
    double max = y[0], sum = 0, spread = 0;
    for (int64_t k = 0; k < K; ++k) max = std::max(max, double(y[k])), has_nan = has_nan || std::isnan(y[k]);
    for (int64_t k = 0; k < K; ++k) sum += std::exp(y[k] - max);
    for (int64_t k = 0; k < K; ++k)
      if (std::exp(y[k] - max) > 0) spread += std::exp(y[k] - max) / sum * (max - y[k]);
    const double sum_error = gabor::kU * (spread + gabor::kExpUlps + double(K));
    want.counts[0]++;
    want.counts[1] += !has_nan && std::max_element(y, y + K) - y == label;
    error += sum_error + 4 * gabor::kU * std::log(sum);
    for (int64_t k = 0; k < K; ++k) {
      const double target = (1 - e) * ((k == label ? w : 0) + (k == other ? 1 - w : 0)) + share;
      if (target != 0) total += target * (std::log(sum) + max - y[k]);
      if (target != 0) magnitude += target * (std::log(sum) + std::fabs(max) + std::fabs(y[k]));
      const double softmax = std::exp(y[k] - max) / sum;
      const double own = std::min(max - y[k], 200.0) + gabor::kExpUlps + 2;
      want.dz.add(
          scale * (softmax - target),
          scale * (softmax * (gabor::kU * own + sum_error) + gabor::gamma(6) * (softmax + target)) + FLT_MIN);
    }
  }
  want.loss.add(total, error + gabor::sum_budget(double(K + want.counts[0]) + 7, magnitude));
  return want;
}

Expected head_dz(const HeadProblem& p, const HeadValues& v, size_t layer) {
  const bool relu = p.dense[layer - 1].activation.kind == ActivationKind::relu;
  const std::vector<Sum> dx = gradient_of_x(p, v, layer);
  Expected dz;
  for (size_t i = 0; i < dx.size(); ++i) {
    const bool off = relu && v.y[layer - 1][i] <= 0;
    dz.add(off ? 0 * dx[i].value : dx[i].value,
           off ? 0 : gabor::sum_budget(double(p.dense[layer].K) + 1, dx[i].magnitude));
  }
  return dz;
}

Expected head_dx(const HeadProblem& p, const HeadValues& v) {
  std::vector<Sum> dx = gradient_of_x(p, v, 0);
  double n = double(p.layer(0).K) + 1;
  if (p.pool) {
    const std::vector<size_t> taken = winners(p, v);
    std::vector<Sum> of_map(v.x.size());
    for (size_t i = 0; i < dx.size(); ++i) {
      const double slope = p.pool->relu && v.pooled[i] <= 0 ? 0 : 1;
      of_map[taken[i]].value += slope * dx[i].value;
      of_map[taken[i]].magnitude += slope * dx[i].magnitude;
    }
    dx = std::move(of_map);
    n += double(p.pool->R * p.pool->S);
  }
  Expected want;
  for (const Sum& sum : dx) want.add(sum.value, gabor::sum_budget(n, sum.magnitude));
  return want;
}

Expected head_dw(const HeadProblem& p, const HeadValues& v, size_t layer, const std::vector<float>* before) {
  const DenseProblem& d = p.dense[layer];
  const std::vector<float>& x = v.x_of(layer);
  Expected dw;
  for (int64_t k = 0; k < d.K; ++k)
    for (int64_t c = 0; c < d.C; ++c) {
      Sum sum;
      if (before) sum.add((*before)[size_t(k * d.C + c)]);
      for (int64_t n = 0; n < d.N; ++n)
        sum.add(double(v.dz[layer][size_t(n * d.K + k)]) * double(x[size_t(n * d.C + c)]));
      dw.add(sum.value, gabor::sum_budget(double(d.N) + 1, sum.magnitude));
    }
  return dw;
}

Expected head_db(const HeadProblem& p, const HeadValues& v, size_t layer, const std::vector<float>* before) {
  const DenseProblem& d = p.dense[layer];
  Expected db;
  for (int64_t k = 0; k < d.K; ++k) {
    Sum sum;
    if (before) sum.add((*before)[size_t(k)]);
    for (int64_t n = 0; n < d.N; ++n) sum.add(v.dz[layer][size_t(n * d.K + k)]);
    db.add(sum.value, gabor::sum_budget(double(d.N) + 1, sum.magnitude));
  }
  return db;
}

}  // namespace gabor::kernel_tests
