// Activations forward and backward: one read of each input and one write, so memory speed for the simple
// ones; exp-based ones cost about 20 instructions an element. gelu calls the C library's erfc for each
// element: exactness before speed, as no vector erf of float accuracy in both tails is at hand.
#include <cmath>

#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/activation.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// Comparisons are written so that NaN takes the branch that keeps it.
struct LeakyRelu {
  float alpha;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, hn::Set(d, alpha)), x);
  }
};
struct Elu {
  float alpha;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V low = hn::Mul(hn::Set(d, alpha), hn::Expm1(d, hn::Min(x, hn::Zero(d))));
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), low, x);
  }
};
// 1 / (1 + e^-x). Highway's Exp is defined up to 104, where it is infinite and the quotient 0 already. NaN is
// put back since Min and Exp may drop it.
struct Sigmoid {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V one = hn::Set(d, 1.0f);
    const V y = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(x), hn::Set(d, 104.0f)))));
    return hn::IfThenElse(hn::IsNaN(x), x, y);
  }
};
struct Tanh {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
  }
};
struct Silu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, Sigmoid()(d, x));
  }
};

// Derivatives times dy; the first argument is y, for silu x.
struct ReluGrad {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::IfThenZeroElse(hn::Le(y, hn::Zero(d)), dy);
  }
};
struct LeakyReluGrad {
  float alpha;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::IfThenElse(hn::Lt(y, hn::Zero(d)), hn::Mul(dy, hn::Set(d, alpha)), dy);
  }
};
struct EluGrad {
  float alpha;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::IfThenElse(hn::Lt(y, hn::Zero(d)), hn::Mul(dy, hn::Add(y, hn::Set(d, alpha))), dy);
  }
};
struct SigmoidGrad {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(d, 1.0f), y)));
  }
};
struct TanhGrad {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1.0f)));
  }
};
struct SiluGrad {  // s (1 + x (1 - s))
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    const V one = hn::Set(d, 1.0f), s = Sigmoid()(d, x);
    return hn::Mul(dy, hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one)));
  }
};
template <class Grad>
struct Accumulated {
  Grad grad;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy, V dx) const {
    return hn::Add(dx, grad(d, y, dy));
  }
};

void Forward(const Activation& f, const float* x, float* y, int64_t n) {
  switch (f.kind) {
    case ActivationKind::relu:
      return map_lanes(Relu(), n, y, x);
    case ActivationKind::leaky_relu:
      return map_lanes(LeakyRelu{f.alpha}, n, y, x);
    case ActivationKind::elu:
      return map_lanes(Elu{f.alpha}, n, y, x);
    case ActivationKind::sigmoid:
      return map_lanes(Sigmoid(), n, y, x);
    case ActivationKind::tanh:
      return map_lanes(Tanh(), n, y, x);
    case ActivationKind::silu:
      return map_lanes(Silu(), n, y, x);
    case ActivationKind::gelu:
      for (int64_t i = 0; i < n; i++) y[i] = 0.5f * x[i] * std::erfc(-0.70710678f * x[i]);
      return;
    case ActivationKind::none:
      if (x != y) std::memcpy(y, x, size_t(n) * sizeof(float));
      return;
  }
}

// The bias goes in with the activation: one pass over y instead of two.
template <class F>
struct Biased {
  F f;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V b) const {
    return f(d, hn::Add(y, b));
  }
};
struct Identity {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return x;
  }
};

void BiasForward(const Activation& f, const float* b, float* y, int64_t rows, int64_t K) {
  for (int64_t i = 0; i < rows; i++, y += K) {
    if (f.kind == ActivationKind::relu) {
      map_lanes(Biased<Relu>(), K, y, y, b);
    } else {
      map_lanes(Biased<Identity>(), K, y, y, b);
      if (f.kind != ActivationKind::none) Forward(f, y, y, K);
    }
  }
}

template <class Grad>
void run_grad(Grad grad, const float* of, const float* dy, float* dx, int64_t n, bool accumulate) {
  if (accumulate)
    map_lanes(Accumulated<Grad>{grad}, n, dx, of, dy, static_cast<const float*>(dx));
  else
    map_lanes(grad, n, dx, of, dy);
}

// of: x for silu and gelu, else y.
void Backward(const Activation& f, const float* of, const float* dy, float* dx, int64_t n, bool accumulate) {
  switch (f.kind) {
    case ActivationKind::relu:
      return run_grad(ReluGrad(), of, dy, dx, n, accumulate);
    case ActivationKind::leaky_relu:
      return run_grad(LeakyReluGrad{f.alpha}, of, dy, dx, n, accumulate);
    case ActivationKind::elu:
      return run_grad(EluGrad{f.alpha}, of, dy, dx, n, accumulate);
    case ActivationKind::sigmoid:
      return run_grad(SigmoidGrad(), of, dy, dx, n, accumulate);
    case ActivationKind::tanh:
      return run_grad(TanhGrad(), of, dy, dx, n, accumulate);
    case ActivationKind::silu:
      return run_grad(SiluGrad(), of, dy, dx, n, accumulate);
    case ActivationKind::gelu:  // Phi(x) + x phi(x)
      for (int64_t i = 0; i < n; i++) {
        const float x = of[i];
        const float slope = 0.5f * std::erfc(-0.70710678f * x) + 0.39894228f * x * std::exp(-0.5f * x * x);
        dx[i] = (accumulate ? dx[i] : 0.0f) + slope * dy[i];
      }
      return;
    case ActivationKind::none:
      for (int64_t i = 0; i < n; i++) dx[i] = accumulate ? dx[i] + dy[i] : dy[i];
      return;
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(Forward);
HWY_EXPORT(BiasForward);
HWY_EXPORT(Backward);

class CpuActivation final : public ActivationOp {
 public:
  Support supports(const ActivationProblem& p) const override {
    // The sign of y must tell the sign of x, or the derivative cannot be had from y.
    if ((p.activation.kind == ActivationKind::leaky_relu || p.activation.kind == ActivationKind::elu) &&
        !(p.activation.alpha > 0))
      return Support::no("alpha must be positive");
    return Support::yes();
  }

  void forward(Context&, const ActivationProblem& p, ConstTensorView x, TensorView y) const override {
    const float* from = x.as<float>();
    float* to = y.as<float>();
    chunks(p.count, [&](int64_t i, int64_t end) { activate(p.activation, from + i, to + i, end - i); });
  }

  void backward(Context&, const ActivationProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const float* of = derivative_from_output(p.activation.kind) ? y.as<float>() : x.as<float>();
    const float* from = dy.as<float>();
    float* to = dx.as<float>();
    GABOR_CHECK(of || p.activation.kind == ActivationKind::none);
    chunks(p.count, [&](int64_t i, int64_t end) {
      HWY_DYNAMIC_DISPATCH(Backward)
      (p.activation, of ? of + i : nullptr, from + i, to + i, end - i, mode == GradMode::accumulate);
    });
  }
};

}  // namespace

void activate(const Activation& f, const float* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(Forward)(f, x, y, n);
}

void bias_activate(const Activation& f, const float* b, float* y, int64_t rows, int64_t K) {
  if (b)
    HWY_DYNAMIC_DISPATCH(BiasForward)(f, b, y, rows, K);
  else if (f.kind != ActivationKind::none)
    HWY_DYNAMIC_DISPATCH(Forward)(f, y, y, rows * K);
}

std::unique_ptr<ActivationOp> make_activation() { return std::make_unique<CpuActivation>(); }

}  // namespace gabor::cpu
#endif
