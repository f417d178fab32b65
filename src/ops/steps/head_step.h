#pragma once
#include "ops/head.h"
#include "ops/step.h"

namespace gabor {

// The end of a training plan as one step, a fusion of max pooling (if any), dense layers and softmax cross-entropy. Its
// forward leaves the loss, the counts and all gradients of the data; its backward those of the parameters.
class HeadStep final : public Step {
 public:
  struct Layer {
    TensorId w, b, y;
  };
  // x: of the pooling, whose y is `pooled`; or of the first layer, with pooled = kNoTensor. layers: p.layers of them.
  struct Tensors {
    TensorId x, pooled, labels, loss, counts;
    std::vector<Layer> layers;
  };
  HeadStep(const HeadProblem& p, Tensors tensors) : p_(p), t_(std::move(tensors)) {}

  const char* op() const override { return "head"; }
  std::string problem() const override { return to_string(p_); }
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override { return op_ ? op_->workspace_bytes(at(batch)) : 0; }
  int64_t flops() const override;  // with the gradients of the data
  int64_t backward_flops() const { return 2 * p_.N * p_.weights(); }
  void forward(Run&) const override;
  void backward(Run&) const override;

 private:
  HeadProblem at(int64_t batch) const;
  HeadTensors tensors(const Run& run) const;
  HeadProblem p_;
  Tensors t_;
  bool dx_ = false;  // the gradient of x is wanted
  const Head* op_ = nullptr;
};

}  // namespace gabor
