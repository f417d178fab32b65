// One pass over the flat arenas, whatever the number of layers. Adam reads w, g, m, v and writes w, m, v: 28
// bytes an element against about 12 operations, so memory is the roof. Square root and division are the exact
// instructions.
#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"

#ifndef GABOR_CPU_UPDATE_RULE  // foreach_target.h reads this file once per target
#define GABOR_CPU_UPDATE_RULE
namespace gabor::cpu {
namespace {

// The numbers of an update.
struct UpdateRule {
  OptimizerKind kind;
  float lr, momentum, beta1, beta2;
  float decay;   // added to the gradient: decay * w
  float shrink;  // adamw: w *= shrink before the step
  float step;    // adam_rate, adam_epsilon, unscale of UpdateValues
  float epsilon;
  float unscale;
};

}  // namespace
}  // namespace gabor::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/optimizer.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// g += decay w, then w -= lr g.
struct SgdRule {
  const UpdateRule& r;
  template <class D, class V>
  HWY_INLINE void operator()(D d, V g, V& w, V&, V&) const {
    g = hn::MulAdd(hn::Set(d, r.decay), w, g);
    w = hn::NegMulAdd(hn::Set(d, r.lr), g, w);
  }
};
template <bool kNesterov>
struct MomentumRule {
  const UpdateRule& r;
  template <class D, class V>
  HWY_INLINE void operator()(D d, V g, V& w, V& m, V&) const {
    const V mu = hn::Set(d, r.momentum);
    g = hn::MulAdd(hn::Set(d, r.decay), w, g);
    m = hn::MulAdd(mu, m, g);
    w = hn::NegMulAdd(hn::Set(d, r.lr), kNesterov ? hn::MulAdd(mu, m, g) : m, w);
  }
};
struct AdamRule {
  const UpdateRule& r;
  template <class D, class V>
  HWY_INLINE void operator()(D d, V g, V& w, V& m, V& v) const {
    const V one = hn::Set(d, 1.0f), b1 = hn::Set(d, r.beta1), b2 = hn::Set(d, r.beta2);
    g = hn::MulAdd(hn::Set(d, r.decay), w, g);
    w = hn::Mul(w, hn::Set(d, r.shrink));
    m = hn::MulAdd(b1, m, hn::Mul(hn::Sub(one, b1), g));
    v = hn::MulAdd(b2, v, hn::Mul(hn::Sub(one, b2), hn::Mul(g, g)));
    const V root = hn::Add(hn::Sqrt(v), hn::Set(d, r.epsilon));
    w = hn::Sub(w, hn::Div(hn::Mul(hn::Set(d, r.step), m), root));
  }
};

template <int kMoments, class Rule>
HWY_INLINE void run_rule(const Rule& rule, const float* g, float* w, float* m, float* v, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  const auto unscale = hn::Set(d, rule.r.unscale);
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    auto wi = hn::LoadU(d, w + i), mi = hn::Zero(d), vi = hn::Zero(d);
    if constexpr (kMoments > 0) mi = hn::LoadU(d, m + i);
    if constexpr (kMoments > 1) vi = hn::LoadU(d, v + i);
    rule(d, hn::Mul(unscale, hn::LoadU(d, g + i)), wi, mi, vi);
    hn::StoreU(wi, d, w + i);
    if constexpr (kMoments > 0) hn::StoreU(mi, d, m + i);
    if constexpr (kMoments > 1) hn::StoreU(vi, d, v + i);
  }
  if (i == n) return;
  const int64_t rest = n - i;
  auto wi = load_part(d, w + i, rest), mi = hn::Zero(d), vi = hn::Zero(d);
  if constexpr (kMoments > 0) mi = load_part(d, m + i, rest);
  if constexpr (kMoments > 1) vi = load_part(d, v + i, rest);
  rule(d, hn::Mul(unscale, load_part(d, g + i, rest)), wi, mi, vi);
  store_part(wi, d, w + i, rest);
  if constexpr (kMoments > 0) store_part(mi, d, m + i, rest);
  if constexpr (kMoments > 1) store_part(vi, d, v + i, rest);
}

void Update(const UpdateRule& r, const float* g, float* w, float* m, float* v, int64_t n) {
  switch (r.kind) {
    case OptimizerKind::sgd:
      return run_rule<0>(SgdRule{r}, g, w, m, v, n);
    case OptimizerKind::momentum:
      return run_rule<1>(MomentumRule<false>{r}, g, w, m, v, n);
    case OptimizerKind::nesterov:
      return run_rule<1>(MomentumRule<true>{r}, g, w, m, v, n);
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      return run_rule<2>(AdamRule{r}, g, w, m, v, n);
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(Update);

UpdateRule rule_of(const OptimizerProblem& p, const UpdateValues& values) {
  return {.kind = p.kind,
          .lr = values.lr,
          .momentum = p.momentum,
          .beta1 = p.beta1,
          .beta2 = p.beta2,
          .decay = p.kind == OptimizerKind::adamw ? 0 : p.weight_decay,
          .shrink = p.kind == OptimizerKind::adamw ? float(1 - double(values.lr) * p.weight_decay) : 1,
          .step = values.adam_rate,
          .epsilon = values.adam_epsilon,
          .unscale = values.unscale};
}

class CpuOptimizer final : public Optimizer {
 public:
  Support supports(const OptimizerProblem&) const override { return Support::yes(); }

  void update(Context& context, const OptimizerProblem& p, std::span<const ParameterSegment> segments,
              const void*, TensorView params, ConstTensorView grads, TensorView m, TensorView v,
              const NormResult* norm) const override {
    GABOR_CHECK(context.step->update.t >= 1);
    if (norm && norm->nonfinite > 0) return;
    const UpdateRule decayed = rule_of(p, context.step->update);
    UpdateRule plain = decayed;
    plain.decay = 0, plain.shrink = 1;
    float *w = params.as<float>(), *mean = p.moments() > 0 ? m.as<float>() : nullptr,
          *square = p.moments() > 1 ? v.as<float>() : nullptr;
    const float* g = grads.as<float>();
    int64_t total = 0;
    for (const auto& s : segments) total += s.count;
    // The range is over the segments laid end to end: one fork for all of them.
    chunks(total, [&](int64_t begin, int64_t end) {
      int64_t start = 0;
      for (const auto& s : segments) {
        const int64_t from = begin > start ? begin - start : 0;
        const int64_t to = end - start < s.count ? end - start : s.count;
        if (from < to) {
          const int64_t i = s.offset + from;
          HWY_DYNAMIC_DISPATCH(Update)
          (s.decay ? decayed : plain, g + i, w + i, mean ? mean + i : nullptr, square ? square + i : nullptr,
           to - from);
        }
        start += s.count;
        if (start >= end) break;
      }
    });
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer() { return std::make_unique<CpuOptimizer>(); }

}  // namespace gabor::cpu
#endif
