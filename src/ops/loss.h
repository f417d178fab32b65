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
enum class LossKind : uint8_t { softmax_xent, mse };
constexpr const char* name_of(LossKind kind) {
  return kind == LossKind::softmax_xent ? "softmax_cross_entropy" : "mse";
}

struct LossProblem {
  LossKind kind = LossKind::softmax_xent;
  int64_t N = 1, K = 2;
  float label_smoothing = 0;
};

// Loss, gradient and number of right answers of a batch in one pass.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual Support supports(const LossProblem& p) const = 0;
  virtual size_t workspace_bytes(const LossProblem&) const { return 0; }
  // y: f32 N,K. labels: i32 N, 0..K-1, or -1 for a row that does not count (a bad image): loss and gradient
  // 0. dy: f32 N,K = scale * gradient (scale is 1 / rows that count in the whole batch), or empty. loss: f32
  // {1}, the sum of the row losses. counts: i32 {2}: rows that count, and of these the ones whose largest y
  // is the label's (the first of equals; a row with NaN is wrong).
  virtual void run(Context&, const LossProblem&, ConstTensorView y, ConstTensorView labels, float scale,
                   TensorView dy, TensorView loss, TensorView counts) const = 0;
};

}  // namespace gabor
