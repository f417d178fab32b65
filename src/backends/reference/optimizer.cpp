#include "ops/optimizer.h"

#include <cmath>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceOptimizer final : public Optimizer {
 public:
  Support supports(const OptimizerProblem&) const override { return Support::yes(); }
  void update(Context& context, const OptimizerProblem& p, std::span<const ParameterSegment> segments,
              const void*, TensorView params, ConstTensorView grads, TensorView m, TensorView v,
              const NormResult* norm) const override {
    const UpdateValues& values = context.step->update;
    GABOR_CHECK(values.t >= 1);
    if (norm && norm->nonfinite > 0) return;
    const int64_t count = params.count();
    for (const ParameterSegment& s : segments)
      if (s.offset < 0 || s.count < 0 || s.offset + s.count > count)
        fail(ErrorCode::usage, "params", "segment {}+{} lies outside the {} parameters", s.offset, s.count,
             count);
    optimizer_update(p, segments, values.lr, values.t, values.unscale, output<float>("params", params, count),
                     input<float>("grads", grads, count),
                     p.moments() >= 1 ? output<float>("m", m, count) : nullptr,
                     p.moments() >= 2 ? output<float>("v", v, count) : nullptr);
  }
};

// One parameter and its moments, in double.
struct State {
  double w, m, v;
};

// lr: the rate; wd: weight decay of this parameter; t: 1, 2, ...
void step(const OptimizerProblem& p, double lr, double wd, int64_t t, double g, State& s) {
  const double mu = p.momentum, b1 = p.beta1, b2 = p.beta2;
  switch (p.kind) {
    case OptimizerKind::sgd:
      s.w -= lr * (g + wd * s.w);
      return;
    case OptimizerKind::momentum:
      s.m = mu * s.m + (g + wd * s.w);
      s.w -= lr * s.m;
      return;
    case OptimizerKind::nesterov:
      g += wd * s.w;
      s.m = mu * s.m + g;
      s.w -= lr * (g + mu * s.m);
      return;
    case OptimizerKind::adam:
      g += wd * s.w;
      break;
    case OptimizerKind::adamw:
      s.w -= lr * wd * s.w;
      break;
  }
  s.m = b1 * s.m + (1 - b1) * g;
  s.v = b2 * s.v + (1 - b2) * g * g;
  const double m_hat = s.m / (1 - std::pow(b1, double(t))), v_hat = s.v / (1 - std::pow(b2, double(t)));
  s.w -= lr * m_hat / (std::sqrt(v_hat) + double(p.epsilon));
}

}  // namespace

template <class T>
void optimizer_update(const OptimizerProblem& p, std::span<const ParameterSegment> segments, double lr,
                      int64_t t, double unscale, T* params, const T* grads, T* m, T* v) {
  for (const ParameterSegment& segment : segments) {
    const double wd = segment.decay ? double(p.weight_decay) : 0;
    for (int64_t i = segment.offset; i < segment.offset + segment.count; i++) {
      State s{double(params[i]), m ? double(m[i]) : 0, v ? double(v[i]) : 0};
      step(p, lr, wd, t, unscale * grads[i], s);
      params[i] = T(s.w);
      if (m) m[i] = T(s.m);
      if (v) v[i] = T(s.v);
    }
  }
}

#define GABOR_INSTANTIATE(T)                                                                            \
  template void optimizer_update<T>(const OptimizerProblem&, std::span<const ParameterSegment>, double, \
                                    int64_t, double, T*, const T*, T*, T*);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Optimizer> make_optimizer() { return std::make_unique<ReferenceOptimizer>(); }

}  // namespace gabor::reference
