// Activations and softmax.
#include "backends/cudnn/ops.h"
#include "backends/cudnn/plan_cache.h"

namespace gabor::cudnn {
namespace {

struct ActivationPlan {
  ActivationPlan(const CudnnApi& api, const ActivationProblem& p)
      : count(p.count),
        kind(p.activation.kind),
        tensor(make_tensor(api, {1, 1, 1, p.count})),
        function(make_activation_function(api, kind)) {}
  int64_t count;
  ActivationKind kind;
  Tensor tensor;
  ActivationFunction function;
};

class CudnnActivation final : public ActivationOp {
 public:
  explicit CudnnActivation(const Session& session) : session_(session) {}

  Support supports(const ActivationProblem& p) const override {
    if (!has_activation(p.activation.kind))
      return Support::no(std::string("no ") + name_of(p.activation.kind) + " in cuDNN");
    const char* why = too_large({p.count});
    return why ? Support::no(why) : Support::yes();
  }
  void forward(Context& context, const ActivationProblem& p, ConstTensorView x, TensorView y) const override {
    const ActivationPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.ActivationForward(session_.dnn(context), d.function.get(), &kOne, d.tensor.get(),
                                    x.as<float>(), &kZero, d.tensor.get(), y.as<float>()),
              "ActivationForward");
  }
  void backward(Context& context, const ActivationProblem& p, ConstTensorView, ConstTensorView y,
                ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const ActivationPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    // All three have their derivative from y; where relu asks x for its sign, y has the same.
    api.check(api.ActivationBackward(session_.dnn(context), d.function.get(), &kOne, d.tensor.get(),
                                     y.as<float>(), d.tensor.get(), dy.as<float>(), d.tensor.get(),
                                     y.as<float>(), beta_of(mode), d.tensor.get(), dx.as<float>()),
              "ActivationBackward");
  }

 private:
  const ActivationPlan& plan(const ActivationProblem& p) const {
    return plans_.get(
        [&](const ActivationPlan& d) { return d.count == p.count && d.kind == p.activation.kind; },
        [&] { return std::make_unique<ActivationPlan>(session_.dnn(), p); });
  }
  const Session& session_;
  PlanCache<ActivationPlan> plans_;
};

struct SoftmaxPlan {
  SoftmaxPlan(const CudnnApi& api, const SoftmaxProblem& p)
      : N(p.N), K(p.K), tensor(make_tensor(api, {p.N, 1, 1, p.K})) {}
  int64_t N, K;
  Tensor tensor;
};

class CudnnSoftmax final : public Softmax {
 public:
  explicit CudnnSoftmax(const Session& session) : session_(session) {}

  Support supports(const SoftmaxProblem& p) const override {
    const char* why = too_large({p.N * p.K});
    return why ? Support::no(why) : Support::yes();
  }
  void forward(Context& context, const SoftmaxProblem& p, ConstTensorView x, TensorView y) const override {
    const SoftmaxPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.SoftmaxForward(session_.dnn(context), CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_INSTANCE,
                                 &kOne, d.tensor.get(), x.as<float>(), &kZero, d.tensor.get(), y.as<float>()),
              "SoftmaxForward");
  }
  void backward(Context& context, const SoftmaxProblem& p, ConstTensorView y, ConstTensorView dy,
                TensorView dx, GradMode mode) const override {
    const SoftmaxPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.SoftmaxBackward(session_.dnn(context), CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_INSTANCE,
                                  &kOne, d.tensor.get(), y.as<float>(), d.tensor.get(), dy.as<float>(),
                                  beta_of(mode), d.tensor.get(), dx.as<float>()),
              "SoftmaxBackward");
  }

 private:
  const SoftmaxPlan& plan(const SoftmaxProblem& p) const {
    return plans_.get([&](const SoftmaxPlan& d) { return d.N == p.N && d.K == p.K; },
                      [&] { return std::make_unique<SoftmaxPlan>(session_.dnn(), p); });
  }
  const Session& session_;
  PlanCache<SoftmaxPlan> plans_;
};

}  // namespace

std::unique_ptr<ActivationOp> make_activation(const Session& session) {
  return std::make_unique<CudnnActivation>(session);
}
std::unique_ptr<Softmax> make_softmax(const Session& session) {
  return std::make_unique<CudnnSoftmax>(session);
}

}  // namespace gabor::cudnn
