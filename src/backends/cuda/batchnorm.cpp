#include "kernels/batchnorm/batchnorm.h"

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"

namespace gabor::cuda {
namespace {

class CudaBatchNorm final : public BatchNorm, Stored {
 public:
  CudaBatchNorm(const Gpu& gpu, kernels::Storage storage) : Stored(storage), gpu_(gpu) {}

  Support supports(const BatchNormProblem& p) const override {
    constexpr int64_t kMost = (int64_t{1} << 31) - 1;
    if (!none_or_relu(p.activation)) return Support::no("an activation other than relu");
    return p.rows <= kMost && p.C <= kMost ? Support::yes() : Support::no("2^31 rows or channels, or more");
  }
  size_t workspace_bytes(const BatchNormProblem& p) const override {
    return kernels::batchnorm_workspace_bytes(p.rows, p.C, slices(p));
  }

  void forward_training(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                        ConstTensorView beta, TensorView y, TensorView mean, TensorView rstd,
                        TensorView running_mean, TensorView running_var) const override {
    const kernels::BatchnormWorkspace scratch{workspace(context, workspace_bytes(p)), slices(p)};
    run(context, "batchnorm forward", p, [&] {
      kernels::batchnorm_forward_training({p.rows, p.C, p.epsilon}, storage(),
                                          {.momentum = p.momentum,
                                           .relu = p.activation.kind == ActivationKind::relu,
                                           .x = in(x),
                                           .gamma = gamma.as<float>(),
                                           .beta = beta.as<float>(),
                                           .y = out(y),
                                           .mean = mean.as<float>(),
                                           .rstd = rstd.as<float>(),
                                           .running_mean = running_mean.as<float>(),
                                           .running_var = running_var.as<float>()},
                                          scratch, context.stream.handle);
    });
  }

  void forward_inference(Context& context, const BatchNormProblem& p, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                         ConstTensorView running_var, TensorView y) const override {
    run(context, "batchnorm inference", p, [&] {
      kernels::batchnorm_forward_inference({p.rows, p.C, p.epsilon}, storage(),
                                           {.relu = p.activation.kind == ActivationKind::relu,
                                            .x = in(x),
                                            .gamma = gamma.as<float>(),
                                            .beta = beta.as<float>(),
                                            .running_mean = running_mean.as<float>(),
                                            .running_var = running_var.as<float>(),
                                            .y = out(y)},
                                           context.stream.handle);
    });
  }

  void backward(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView dy,
                ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                GradMode mode, TensorView dgamma, TensorView dbeta, GradMode parameter_mode) const override {
    const kernels::BatchnormWorkspace scratch{workspace(context, workspace_bytes(p)), slices(p)};
    run(context, "batchnorm backward", p, [&] {
      kernels::batchnorm_backward({p.rows, p.C, p.epsilon}, storage(),
                                  {.x = in(x),
                                   .dy = in(dy),
                                   .gamma = gamma.as<float>(),
                                   .mean = mean.as<float>(),
                                   .rstd = rstd.as<float>(),
                                   .dx = out(dx),
                                   .dgamma = dgamma.as<float>(),
                                   .dbeta = dbeta.as<float>(),
                                   .accumulate_dx = mode == GradMode::accumulate,
                                   .accumulate_parameters = parameter_mode == GradMode::accumulate},
                                  scratch, context.stream.handle);
    });
  }

 private:
  int64_t slices(const BatchNormProblem& p) const {
    return kernels::batchnorm_slices(p.rows, p.C, gpu_.multiprocessors);
  }
  template <class F>
  static void run(Context& context, const char* what, const BatchNormProblem& p, F&& f) {
    launching(
        context, what, [&] { return to_string(p); }, f);
  }

  Gpu gpu_;
};

}  // namespace

std::unique_ptr<BatchNorm> make_batchnorm(const Gpu& gpu, kernels::Storage storage) {
  return std::make_unique<CudaBatchNorm>(gpu, storage);
}

}  // namespace gabor::cuda
