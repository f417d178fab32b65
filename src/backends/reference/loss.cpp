#include "ops/loss.h"

#include <algorithm>
#include <cmath>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceLoss final : public Loss {
 public:
  Support supports(const LossProblem&) const override { return Support::yes(); }
  void run(Context&, const LossProblem& p, ConstTensorView y, ConstTensorView labels, float scale,
           TensorView dy, TensorView loss, TensorView counts) const override {
    loss_run(p, input<float>("y", y, p.N * p.K), input<int32_t>("labels", labels, p.labels_shape().count()),
             scale, optional_output<float>("dy", dy, p.N * p.K), output<float>("loss", loss, 1),
             output<int32_t>("counts", counts, 2));
  }
};

// What row n should be: 1 at the label, or divided between two, softened by label smoothing.
double target(const LossProblem& p, int64_t k, const RowLabels& labels) {
  const double hot = labels.onehot(k);
  if (p.kind == LossKind::mse) return hot;
  return (1 - double(p.label_smoothing)) * hot + double(p.label_smoothing) / double(p.K);
}

template <class T>
bool right(const T* row, int64_t K, int32_t label) {
  for (int64_t k = 0; k < K; k++)
    if (std::isnan(row[k])) return false;
  return std::max_element(row, row + K) - row == label;
}

}  // namespace

template <class T>
void loss_run(const LossProblem& p, const T* y, const int32_t* labels, double scale, T* dy, T* loss,
              int32_t* counts) {
  double total = 0;
  counts[0] = counts[1] = 0;
  for (int64_t n = 0; n < p.N; n++) {
    const T* row = y + n * p.K;
    T* drow = dy ? dy + n * p.K : nullptr;
    const RowLabels label(p, labels, n);
    if (label.first == -1) {
      if (drow) std::fill(drow, drow + p.K, T(0));
      continue;
    }
    if (!label.valid(p.K) && !p.two_labels)
      fail(ErrorCode::data, "labels", "row {} has label {}; expected 0..{}", n, label.first, p.K - 1);
    if (!label.valid(p.K))
      fail(ErrorCode::data, "labels", "row {} has labels {} and {} of weight {}; expected 0..{} and 0..1", n,
           label.first, label.second, label.weight, p.K - 1);
    counts[0]++;
    counts[1] += right(row, p.K, label.first);
    double max = 0, sum = 0;
    if (p.kind == LossKind::softmax_xent) {
      max = *std::max_element(row, row + p.K);
      for (int64_t k = 0; k < p.K; k++) sum += std::exp(row[k] - max);
    }
    for (int64_t k = 0; k < p.K; k++) {
      const double t = target(p, k, label);
      double gradient;
      if (p.kind == LossKind::softmax_xent) {
        // A target of 0 takes no part: 0 times an infinite logit is not to become NaN.
        if (t != 0) total += t * (std::log(sum) + max - row[k]);
        gradient = std::exp(row[k] - max) / sum - t;
      } else {
        total += (row[k] - t) * (row[k] - t) / double(p.K);
        gradient = 2 * (row[k] - t) / double(p.K);
      }
      if (drow) drow[k] = T(scale * gradient);
    }
  }
  loss[0] = T(total);
}

#define GABOR_INSTANTIATE(T) \
  template void loss_run<T>(const LossProblem&, const T*, const int32_t*, double, T*, T*, int32_t*);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Loss> make_loss() { return std::make_unique<ReferenceLoss>(); }

}  // namespace gabor::reference
