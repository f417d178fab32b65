// The two losses, and softmax alone.
#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"
#include "kernels/mse/mse.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax_xent/softmax_xent.h"

namespace gabor::cuda {
namespace {

class CudaLoss final : public Loss, Stored {
 public:
  CudaLoss(const Counters& counters, kernels::Storage storage)
      : Stored(storage), counters_(counters.data()) {}

  Support supports(const LossProblem& p) const override {
    return p.kind == LossKind::mse && p.label_smoothing != 0
               ? Support::no("label smoothing is defined for softmax_cross_entropy only")
               : Support::yes();
  }

  size_t workspace_bytes(const LossProblem& p) const override {
    return p.kind == LossKind::mse ? kernels::mse_workspace_bytes(mse_of(p, 1))
                                   : kernels::softmax_xent_workspace_bytes(xent_of(p, 1));
  }

  void run(Context& context, const LossProblem& p, ConstTensorView y, ConstTensorView labels, float scale,
           TensorView dy, TensorView loss, TensorView counts) const override {
    const kernels::JoinMemory memory{workspace(context, workspace_bytes(p)), counters_};
    const auto* label = labels.as<int32_t>();
    void* const stream = context.stream.handle;
    launching(
        context, name_of(p.kind), [&] { return fmt::format("N={} K={}", p.N, p.K); },
        [&] {
          if (p.kind == LossKind::mse)
            kernels::mse(mse_of(p, scale), storage(),
                         {in(y), label, out(dy), loss.as<float>(), counts.as<int32_t>(), memory}, stream);
          else
            kernels::softmax_xent(xent_of(p, scale), storage(),
                                  {in(y), label, out(dy), loss.as<float>(), counts.as<int32_t>(), memory},
                                  stream);
        });
  }

 private:
  static kernels::MseProblem mse_of(const LossProblem& p, float scale) {
    return {p.N, p.K, scale, p.two_labels};
  }
  static kernels::SoftmaxXentProblem xent_of(const LossProblem& p, float scale) {
    return {p.N, p.K, p.label_smoothing, scale, p.two_labels};
  }

  unsigned* counters_;
};

class CudaSoftmax final : public Softmax, Stored {
 public:
  using Stored::Stored;
  Support supports(const SoftmaxProblem&) const override { return Support::yes(); }

  void forward(Context& context, const SoftmaxProblem& p, ConstTensorView x, TensorView y) const override {
    launching(context, "softmax forward", p.N * p.K,
              [&] { kernels::softmax_forward(p.N, p.K, storage(), in(x), out(y), context.stream.handle); });
  }
  void backward(Context& context, const SoftmaxProblem& p, ConstTensorView y, ConstTensorView dy,
                TensorView dx, GradMode mode) const override {
    launching(context, "softmax backward", p.N * p.K, [&] {
      kernels::softmax_backward(p.N, p.K, storage(), in(y), in(dy), out(dx), mode == GradMode::accumulate,
                                context.stream.handle);
    });
  }
};

}  // namespace

std::unique_ptr<Loss> make_loss(const Counters& counters, kernels::Storage storage) {
  return std::make_unique<CudaLoss>(counters, storage);
}
std::unique_ptr<Softmax> make_softmax(kernels::Storage storage) {
  return std::make_unique<CudaSoftmax>(storage);
}

}  // namespace gabor::cuda
