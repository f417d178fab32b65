// Steps of the ops that are small: normalize, activation, softmax, dropout, add.
#pragma once
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/dropout.h"
#include "ops/normalize.h"
#include "ops/softmax.h"
#include "ops/step.h"

namespace gabor {

class NormalizeStep final : public Step {
 public:
  NormalizeStep(const Normalize& n, int64_t channels, TensorId x, TensorId y)
      : n_(n), channels_(channels), x_(x), y_(y) {}
  const char* op() const override { return "normalize"; }
  std::string problem() const override;
  StepUses uses() const override { return {{x_}, {y_}, {}}; }
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  void forward(Run&) const override;
  void backward(Run&) const override {}  // pictures have no gradient
  const Normalize& normalize() const { return n_; }
  TensorId x() const { return x_; }
  TensorId y() const { return y_; }

 private:
  Normalize n_;
  int64_t channels_;
  TensorId x_, y_;
  const NormalizeOp* op_ = nullptr;
};

class ActivationStep final : public Step {
 public:
  ActivationStep(const Activation& a, int64_t count, TensorId x, TensorId y)
      : a_(a), count_(count), x_(x), y_(y) {}
  const char* op() const override { return "activation"; }
  std::string problem() const override;
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  int64_t flops() const override { return count_; }
  void forward(Run&) const override;
  void backward(Run&) const override;
  const Activation& activation() const { return a_; }
  ActivationProblem data() const { return {count_, a_}; }
  TensorId x() const { return x_; }
  TensorId y() const { return y_; }

 private:
  Activation a_;
  int64_t count_;
  TensorId x_, y_;
  const ActivationOp* op_ = nullptr;
};

class SoftmaxStep final : public Step {
 public:
  SoftmaxStep(const SoftmaxProblem& p, TensorId x, TensorId y) : p_(p), x_(x), y_(y) {}
  const char* op() const override { return "softmax"; }
  std::string problem() const override;
  StepUses uses() const override { return {{x_}, {y_}, {y_}}; }
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  void forward(Run&) const override;
  void backward(Run&) const override;
  const SoftmaxProblem& softmax() const { return p_; }
  TensorId x() const { return x_; }
  TensorId y() const { return y_; }

 private:
  SoftmaxProblem p_;
  TensorId x_, y_;
  const Softmax* op_ = nullptr;
};

// Active in training only; at other times y is a copy of x.
class DropoutStep final : public Step {
 public:
  // index: DropoutProblem::layer
  DropoutStep(float rate, uint32_t index, int64_t count, TensorId x, TensorId y)
      : rate_(rate), index_(index), count_(count), x_(x), y_(y) {}
  const char* op() const override { return "dropout"; }
  std::string problem() const override;
  StepUses uses() const override { return {{x_}, {y_}, {}}; }
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  void forward(Run&) const override;
  void backward(Run&) const override;

 private:
  // body(problem, x, y) for each chunk of the batch, whose masks are drawn one by one.
  template <class Body>
  void for_chunks(const Run& run, const TensorView& x, const TensorView& y, Body&& body) const;
  float rate_;
  uint32_t index_;
  int64_t count_;
  TensorId x_, y_;
  const Dropout* op_ = nullptr;
};

class AddStep final : public Step {
 public:
  AddStep(int64_t count, TensorId a, TensorId b, TensorId y) : count_(count), a_(a), b_(b), y_(y) {}
  const char* op() const override { return "add"; }
  std::string problem() const override;
  StepUses uses() const override { return {{a_, b_}, {y_}, {}}; }
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  int64_t flops() const override { return count_; }
  void forward(Run&) const override;
  void backward(Run&) const override;

 private:
  int64_t count_;
  TensorId a_, b_, y_;
  const Add* op_ = nullptr;
};

}  // namespace gabor
