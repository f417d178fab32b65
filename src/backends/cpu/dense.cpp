// Fully connected layers: oneDNN's matrix product, with bias and activation in one pass after it; few outputs
// over many inputs go to dense_few.h.
#include <algorithm>

#include "backends/cpu/dense_few.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/onednn.h"
#include "backends/cpu/ops.h"

namespace gabor::cpu {
namespace {

// db[k] (+)= sum over n of dy[n,k], in blocks of K whose sums stay in registers.
void bias_grad(const DenseProblem& p, const float* dy, float* db, bool accumulate) {
  constexpr int64_t kBlock = 32;
  for (int64_t k0 = 0; k0 < p.K; k0 += kBlock) {
    const int64_t count = std::min(kBlock, p.K - k0);
    double sums[kBlock] = {};
    for (int64_t n = 0; n < p.N; n++)
      for (int64_t k = 0; k < count; k++) sums[k] += dy[n * p.K + k0 + k];
    for (int64_t k = 0; k < count; k++) db[k0 + k] = float(sums[k] + (accumulate ? db[k0 + k] : 0));
  }
}

class CpuDense final : public Dense {
 public:
  Support supports(const DenseProblem&, Pass) const override { return Support::yes(); }

  size_t workspace_bytes(const DenseProblem& p, Pass pass) const override {
    return pass == Pass::fprop && few_outputs(p) ? dense_few_workspace(p) : 0;
  }

  void fprop(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    const float *in = x.as<float>(), *weights = w.as<float>(), *bias = b.as<float>();
    float* out = y.as<float>();
    if (few_outputs(p)) {
      GABOR_CHECK(context.workspace_bytes >= dense_few_workspace(p));
      return dense_few_fprop(p, in, weights, bias, out, context.workspace);
    }
    sgemm({.M = p.N, .N = p.K, .K = p.C, .transpose_b = true}, in, weights, out);
    parallel_for(
        p.N, [&](int64_t n) { bias_activate(p.activation, bias, out + n * p.K, 1, p.K); },
        std::max<int64_t>(1, kGrain / p.K));
  }

  void dgrad(Context&, const DenseProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    const bool accumulate = mode == GradMode::accumulate;
    if (few_outputs(p)) return dense_few_dgrad(p, dy.as<float>(), w.as<float>(), dx.as<float>(), accumulate);
    sgemm({.M = p.N, .N = p.C, .K = p.K, .beta = accumulate ? 1.0f : 0.0f}, dy.as<float>(), w.as<float>(),
          dx.as<float>());
  }

  void wgrad(Context&, const DenseProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const bool accumulate = mode == GradMode::accumulate;
    if (db) bias_grad(p, dy.as<float>(), db.as<float>(), accumulate);
    if (few_outputs(p)) return dense_few_wgrad(p, x.as<float>(), dy.as<float>(), dw.as<float>(), accumulate);
    sgemm({.M = p.K, .N = p.C, .K = p.N, .transpose_a = true, .beta = accumulate ? 1.0f : 0.0f},
          dy.as<float>(), x.as<float>(), dw.as<float>());
  }
};

}  // namespace

std::unique_ptr<Dense> make_dense() { return std::make_unique<CpuDense>(); }

}  // namespace gabor::cpu
