// Softmax and the losses. The last layer is small (N times the number of classes), so rows are worked in
// double with the C library's exp: results round once, and the time stays in microseconds.
#include <algorithm>
#include <array>
#include <cmath>

#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"

namespace gabor::cpu {
namespace {

// Rows are cut into this many fixed groups; their sums are added in order, whatever the number of threads.
constexpr int64_t kGroups = 32;
// An exp costs about as much as eight simple elements.
constexpr int64_t kExpGrain = kGrain / 8;

// NaN anywhere in the row gives NaN, so that exp(row - maximum) carries it on.
float row_max(const float* x, int64_t K) {
  float m = x[0];
  for (int64_t k = 1; k < K; k++)
    if (!(x[k] <= m)) m = x[k] != x[k] || m == m ? x[k] : m;
  return m;
}

// Whether the largest element of the row is the label's: the first of equals; never with a NaN.
bool is_right(const float* y, int64_t K, int64_t label) {
  for (int64_t k = 0; k < K; k++)
    if (!(k < label ? y[k] < y[label] : y[k] <= y[label])) return false;
  return true;
}

struct GroupSum {
  double loss = 0;
  int32_t rows = 0, right = 0;
};

// Loss of a row, and its gradient times scale in dy unless that is null.
double xent_row(const float* y, int64_t K, const RowLabels& label, double smoothing, double scale,
                float* dy) {
  const double m = row_max(y, K);
  double sum = 0, mean = 0;
  for (int64_t k = 0; k < K; k++) {
    sum += std::exp(y[k] - m);
    mean += (y[k] - m) / double(K);
  }
  const double log_sum = std::log(sum);
  if (dy) {
    for (int64_t k = 0; k < K; k++) {
      const double target = smoothing / double(K) + (1 - smoothing) * label.onehot(k);
      dy[k] = float(scale * (std::exp(y[k] - m) / sum - target));
    }
  }
  // A label of weight 0 takes no part: 0 times an infinite logit is not to become NaN.
  double hard = 0;
  if (label.weight > 0) hard += label.weight * (log_sum - (y[label.first] - m));
  if (label.weight < 1) hard += (1 - label.weight) * (log_sum - (y[label.second] - m));
  return smoothing == 0 ? hard : (1 - smoothing) * hard + smoothing * (log_sum - mean);
}

double mse_row(const float* y, int64_t K, const RowLabels& label, double smoothing, double scale, float* dy) {
  double sum = 0;
  for (int64_t k = 0; k < K; k++) {
    const double difference = y[k] - (smoothing / double(K) + (1 - smoothing) * label.onehot(k));
    sum += difference * difference;
    if (dy) dy[k] = float(scale * 2 / double(K) * difference);
  }
  return sum / double(K);
}

class CpuLoss final : public Loss {
 public:
  Support supports(const LossProblem& p) const override {
    if (p.kind == LossKind::mse && p.label_smoothing != 0)
      return Support::no("label smoothing is defined for softmax_cross_entropy only");
    return Support::yes();
  }

  void run(Context&, const LossProblem& p, ConstTensorView y, ConstTensorView labels, float scale,
           TensorView dy, TensorView loss, TensorView counts) const override {
    const float* in = y.as<float>();
    const int32_t* given = labels.as<int32_t>();
    float* grad = dy ? dy.as<float>() : nullptr;
    std::array<GroupSum, kGroups> groups;
    const auto row = p.kind == LossKind::mse ? mse_row : xent_row;
    parallel_for(
        kGroups,
        [&](int64_t g) {
          GroupSum s;
          for (int64_t n = p.N * g / kGroups; n < p.N * (g + 1) / kGroups; n++) {
            float* row_grad = grad ? grad + n * p.K : nullptr;
            const RowLabels label(p, given, n);
            if (label.first < 0) {
              if (row_grad) std::fill_n(row_grad, p.K, 0.0f);
              continue;
            }
            GABOR_CHECK(label.valid(p.K));
            s.loss += row(in + n * p.K, p.K, label, p.label_smoothing, scale, row_grad);
            s.rows++;
            s.right += is_right(in + n * p.K, p.K, label.first);
          }
          groups[size_t(g)] = s;
        },
        std::max<int64_t>(1, kExpGrain * kGroups / std::max<int64_t>(1, p.N * p.K)));
    GroupSum total;
    for (const GroupSum& s : groups) total.loss += s.loss, total.rows += s.rows, total.right += s.right;
    *loss.as<float>() = float(total.loss);
    counts.as<int32_t>()[0] = total.rows;
    counts.as<int32_t>()[1] = total.right;
  }
};

class CpuSoftmax final : public Softmax {
 public:
  Support supports(const SoftmaxProblem&) const override { return Support::yes(); }

  void forward(Context&, const SoftmaxProblem& p, ConstTensorView x, TensorView y) const override {
    const float* in = x.as<float>();
    float* out = y.as<float>();
    parallel_for(
        p.N,
        [&](int64_t n) {
          const float* from = in + n * p.K;
          const double m = row_max(from, p.K);
          double sum = 0;
          for (int64_t k = 0; k < p.K; k++) sum += std::exp(from[k] - m);
          for (int64_t k = 0; k < p.K; k++) out[n * p.K + k] = float(std::exp(from[k] - m) / sum);
        },
        std::max<int64_t>(1, kExpGrain / p.K));
  }

  void backward(Context&, const SoftmaxProblem& p, ConstTensorView y, ConstTensorView dy, TensorView dx,
                GradMode mode) const override {
    const float *out = y.as<float>(), *grad = dy.as<float>();
    float* to = dx.as<float>();
    parallel_for(
        p.N,
        [&](int64_t n) {
          const int64_t row = n * p.K;
          double dot = 0;
          for (int64_t k = 0; k < p.K; k++) dot += double(grad[row + k]) * out[row + k];
          for (int64_t k = 0; k < p.K; k++) {
            const float v = float(out[row + k] * (grad[row + k] - dot));
            to[row + k] = mode == GradMode::accumulate ? to[row + k] + v : v;
          }
        },
        std::max<int64_t>(1, kGrain / p.K));
  }
};

}  // namespace

std::unique_ptr<Loss> make_loss() { return std::make_unique<CpuLoss>(); }
std::unique_ptr<Softmax> make_softmax() { return std::make_unique<CpuSoftmax>(); }

}  // namespace gabor::cpu
