#include "backends/cudnn/ops.h"
#include "backends/cudnn/plan_cache.h"
#include "core/error.h"

namespace gabor::cudnn {
namespace {

struct BatchNormPlan {
  BatchNormPlan(const CudnnApi& api, const BatchNormProblem& p)
      : rows(p.rows), C(p.C), x(make_tensor(api, {p.rows, 1, 1, p.C})), c(make_tensor(api, {1, 1, 1, p.C})) {}
  int64_t rows, C;
  Tensor x, c;
};

class CudnnBatchNorm final : public BatchNorm {
 public:
  explicit CudnnBatchNorm(const Session& session) : session_(session) {}

  Support supports(const BatchNormProblem& p) const override {
    if (p.activation.kind != ActivationKind::none) return Support::no("an activation");
    if (p.rows < 2) return Support::no("a single row, whose unbiased variance cuDNN divides by 0 for");
    if (double(p.epsilon) < CUDNN_BN_MIN_EPSILON) return Support::no("epsilon is below cuDNN's least");
    const char* why = too_large({p.rows * p.C});
    return why ? Support::no(why) : Support::yes();
  }
  // For a dx that nobody wants, but the call writes.
  size_t workspace_bytes(const BatchNormProblem& p) const override {
    plan(p);  // made ahead of the first step
    return size_t(p.rows * p.C) * sizeof(float);
  }

  void forward_training(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                        ConstTensorView beta, TensorView y, TensorView mean, TensorView rstd,
                        TensorView running_mean, TensorView running_var) const override {
    const BatchNormPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.BatchNormalizationForwardTraining(
                  session_.dnn(context), CUDNN_BATCHNORM_SPATIAL, &kOne, &kZero, d.x.get(), x.as<float>(),
                  d.x.get(), y.as<float>(), d.c.get(), gamma.as<float>(), beta.as<float>(),
                  double(p.momentum), running_mean.as<float>(), running_var.as<float>(), double(p.epsilon),
                  mean.as<float>(), rstd.as<float>()),
              "BatchNormalizationForwardTraining");
  }

  void forward_inference(Context& context, const BatchNormProblem& p, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                         ConstTensorView running_var, TensorView y) const override {
    const BatchNormPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.BatchNormalizationForwardInference(
                  session_.dnn(context), CUDNN_BATCHNORM_SPATIAL, &kOne, &kZero, d.x.get(), x.as<float>(),
                  d.x.get(), y.as<float>(), d.c.get(), gamma.as<float>(), beta.as<float>(),
                  running_mean.as<float>(), running_var.as<float>(), double(p.epsilon)),
              "BatchNormalizationForwardInference");
  }

  void backward(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView dy,
                ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                GradMode mode, TensorView dgamma, TensorView dbeta, GradMode parameter_mode) const override {
    const BatchNormPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    GABOR_CHECK(dx || context.workspace_bytes >= workspace_bytes(p));
    float* to = dx ? dx.as<float>() : static_cast<float*>(context.workspace);
    api.check(api.BatchNormalizationBackward(
                  session_.dnn(context), CUDNN_BATCHNORM_SPATIAL, &kOne, dx ? beta_of(mode) : &kZero, &kOne,
                  beta_of(parameter_mode), d.x.get(), x.as<float>(), d.x.get(), dy.as<float>(), d.x.get(), to,
                  d.c.get(), gamma.as<float>(), dgamma.as<float>(), dbeta.as<float>(), double(p.epsilon),
                  mean.as<float>(), rstd.as<float>()),
              "BatchNormalizationBackward");
  }

 private:
  const BatchNormPlan& plan(const BatchNormProblem& p) const {
    return plans_.get([&](const BatchNormPlan& d) { return d.rows == p.rows && d.C == p.C; },
                      [&] { return std::make_unique<BatchNormPlan>(session_.dnn(), p); });
  }
  const Session& session_;
  PlanCache<BatchNormPlan> plans_;
};

}  // namespace

std::unique_ptr<BatchNorm> make_batchnorm(const Session& session) {
  return std::make_unique<CudnnBatchNorm>(session);
}

}  // namespace gabor::cudnn
