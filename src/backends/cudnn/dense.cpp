// Dense layers by cuBLAS, which counts columns first: a row-major matrix is to it the transposed one.
//   fprop  y^T = w x^T        dgrad  dx^T = w^T dy^T        wgrad  dw^T = x^T dy
#include <optional>

#include "backends/cudnn/ops.h"
#include "backends/cudnn/plan_cache.h"
#include "core/error.h"

namespace gabor::cudnn {
namespace {

// Descriptors of y and of a bias, and the activation.
struct DensePlan {
  DensePlan(const CudnnApi& api, const DenseProblem& p)
      : problem(p), y(make_tensor(api, {p.N, 1, 1, p.K})), bias(make_tensor(api, {1, 1, 1, p.K})) {
    if (p.activation.kind != ActivationKind::none)
      activation.emplace(make_activation_function(api, p.activation.kind));
  }
  DenseProblem problem;
  Tensor y, bias;
  std::optional<ActivationFunction> activation;
};

class CudnnDense final : public Dense {
 public:
  explicit CudnnDense(const Session& session) : session_(session) {}

  Support supports(const DenseProblem& p, Pass) const override {
    const ActivationKind kind = p.activation.kind;
    if (kind != ActivationKind::none && !has_activation(kind))
      return Support::no(std::string("no ") + name_of(kind) + " in cuDNN");
    const char* why = too_large({p.N * p.C, p.N * p.K, p.K * p.C});
    return why ? Support::no(why) : Support::yes();
  }
  size_t workspace_bytes(const DenseProblem& p, Pass) const override {
    plan(p);  // made ahead of the first step
    return 0;
  }

  void fprop(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    const DensePlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    float* out = y.as<float>();
    product(context, CUBLAS_OP_T, CUBLAS_OP_N, {p.K, p.N, p.C}, w.as<float>(), p.C, x.as<float>(), p.C,
            &kZero, out);
    if (!b && !d.activation) return;
    cudnnHandle_t handle = session_.dnn(context);
    if (b)
      api.check(api.AddTensor(handle, &kOne, d.bias.get(), b.as<float>(), &kOne, d.y.get(), out),
                "AddTensor");
    if (d.activation)
      api.check(
          api.ActivationForward(handle, d.activation->get(), &kOne, d.y.get(), out, &kZero, d.y.get(), out),
          "ActivationForward");
  }

  void dgrad(Context& context, const DenseProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    product(context, CUBLAS_OP_N, CUBLAS_OP_N, {p.C, p.N, p.K}, w.as<float>(), p.C, dy.as<float>(), p.K,
            beta_of(mode), dx.as<float>());
  }

  void wgrad(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    product(context, CUBLAS_OP_N, CUBLAS_OP_T, {p.C, p.K, p.N}, x.as<float>(), p.C, dy.as<float>(), p.K,
            beta_of(mode), dw.as<float>());
    if (!db) return;
    const DensePlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.ConvolutionBackwardBias(session_.dnn(context), &kOne, d.y.get(), dy.as<float>(),
                                          beta_of(mode), d.bias.get(), db.as<float>()),
              "ConvolutionBackwardBias");
  }

 private:
  struct Size {
    int64_t m, n, k;
  };
  // to (m x n, columns first, dense) = a b + *beta to.
  void product(const Context& context, cublasOperation_t op_a, cublasOperation_t op_b, const Size& size,
               const float* a, int64_t a_column, const float* b, int64_t b_column, const float* beta,
               float* to) const {
    const CublasApi& api = session_.blas();
    api.check(api.Sgemm(session_.blas(context), op_a, op_b, int(size.m), int(size.n), int(size.k), &kOne, a,
                        int(a_column), b, int(b_column), beta, to, int(size.m)),
              "Sgemm_v2");
  }
  const DensePlan& plan(const DenseProblem& p) const {
    return plans_.get([&](const DensePlan& d) { return d.problem == p; },
                      [&] { return std::make_unique<DensePlan>(session_.dnn(), p); });
  }

  const Session& session_;
  PlanCache<DensePlan> plans_;
};

}  // namespace

std::unique_ptr<Dense> make_dense(const Session& session) { return std::make_unique<CudnnDense>(session); }

}  // namespace gabor::cudnn
