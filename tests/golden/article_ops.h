// The article's figures run on every CPU backend: tensors as plain vectors, ops as calls that return them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/problem/conv2d.h"
#include "core/problem/dense.h"
#include "core/problem/pool2d.h"
#include "ops/backend.h"
#include "ops/loss.h"
#include "ops/optimizer.h"

namespace gabor::article {

using Values = std::vector<float>;

// One backend's ops, for whole tensors. Gradients are taken in GradMode::overwrite.
class Ops {
 public:
  explicit Ops(std::shared_ptr<const Backend> backend) : backend_(std::move(backend)) {}
  std::string name() const { return std::string(backend_->name()); }

  Values conv2d(const Conv2dProblem& p, const Values& x, const Values& w, const Values& b = {}) const;
  Values conv2d_dgrad(const Conv2dProblem& p, const Values& dy, const Values& w) const;
  struct WeightGradient {
    Values dw, db;
  };
  WeightGradient conv2d_wgrad(const Conv2dProblem& p, const Values& x, const Values& dy) const;

  struct Pooled {
    Values y;
    std::vector<uint8_t> argmax;
  };
  Pooled pool2d(const Pool2dProblem& p, const Values& x) const;
  Values pool2d_backward(const Pool2dProblem& p, const Values& x, const Pooled& forward,
                         const Values& dy) const;

  Values relu(Values x) const;
  Values softmax(int64_t N, int64_t K, const Values& x) const;
  Values dense(const DenseProblem& p, const Values& x, const Values& w, const Values& b) const;
  WeightGradient dense_wgrad(const DenseProblem& p, const Values& x, const Values& dy) const;
  struct LossResult {
    float loss;
    Values dy;
    int32_t rows, right;
  };
  LossResult loss(const LossProblem& p, const Values& y, const std::vector<int32_t>& labels) const;
  // w after one update from fresh moments.
  Values first_update(const OptimizerProblem& p, float lr, Values w, const Values& g) const;
  // u8 pixels to float, one channel.
  Values normalize(const std::vector<uint8_t>& pixels, float scale, float shift) const;

 private:
  std::shared_ptr<const Backend> backend_;
};

// The reference and the cpu backend.
std::vector<Ops> every_backend();

}  // namespace gabor::article
