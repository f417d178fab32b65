#pragma once
#include <string_view>

#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// softmax_xent: y are logits; row loss = log(sum over j exp(y_j - m)) + m - y_label (log-sum-exp, m = row
// maximum);
//               gradient softmax(y) - onehot(label). With label smoothing e the target is (1-e) onehot + e/K.
// mse:          row loss = mean over k of (y_k - onehot_k)^2; gradient 2/K (y - onehot). (Keras' definition.)
// With two labels to a row, onehot is w onehot(first) + (1-w) onehot(second); then the row loss of softmax_xent is
// sum over k of target_k times the row loss of label k.
enum class LossKind : uint8_t { softmax_xent, mse };
constexpr const char* name_of(LossKind kind) {
  return kind == LossKind::softmax_xent ? "softmax_cross_entropy" : "mse";
}

struct LossProblem {
  LossKind kind = LossKind::softmax_xent;
  int64_t N = 1, K = 2;
  float label_smoothing = 0;
  bool two_labels = false;

  Shape labels_shape() const { return two_labels ? Shape{N, 3} : Shape{N}; }
};

// The labels of a row. w is a multiple of 2^-16, so that 1 - w is exact in float.
struct RowLabels {
  static constexpr int32_t kWhole = 65536;

  RowLabels(const LossProblem& p, const int32_t* labels, int64_t n)
      : first(labels[p.two_labels ? 3 * n : n]),
        second(p.two_labels ? labels[3 * n + 1] : first),
        weight(p.two_labels ? double(labels[3 * n + 2]) / kWhole : 1) {}
  // Of a row that counts: both classes exist, and the weight is 0 to 1.
  bool valid(int64_t K) const {
    return first >= 0 && first < K && second >= 0 && second < K && weight >= 0 && weight <= 1;
  }
  double onehot(int64_t k) const { return (k == first ? weight : 0) + (k == second ? 1 - weight : 0); }

  int32_t first, second;  // first -1: the row does not count
  double weight;          // w: of first
};

// Loss, gradient and number of right answers of a batch in one pass.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual Support supports(const LossProblem& p) const = 0;
  virtual size_t workspace_bytes(const LossProblem&) const { return 0; }
  // y: N,K of Traits::storage. labels: i32 N, 0..K-1, or -1 for a row that does not count (a bad image): loss and gradient
  // 0; with two_labels i32 N,3: first (or -1), second, w in 65536ths. dy: as y, = scale * gradient (scale is
  // 1 / rows that count in the whole batch), or empty. loss: f32 {1}, the sum of the row losses. counts: i32 {2}:
  // rows that count, and of these the ones whose largest y is the (first) label's (the first of equals; a row with
  // NaN is wrong).
  virtual void run(Context&, const LossProblem&, ConstTensorView y, ConstTensorView labels, float scale,
                   TensorView dy, TensorView loss, TensorView counts) const = 0;
};

}  // namespace gabor
