#include "ops/dropout.h"

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceDropout final : public Dropout {
 public:
  Support supports(const DropoutProblem&) const override { return Support::yes(); }
  void forward(Context& context, const DropoutProblem& p, ConstTensorView x, TensorView y) const override {
    dropout_forward(p, key(context, p), input<float>("x", x, p.count), output<float>("y", y, p.count));
  }
  void backward(Context& context, const DropoutProblem& p, ConstTensorView dy, TensorView dx,
                GradMode mode) const override {
    dropout_backward(p, key(context, p), input<float>("dy", dy, p.count), output<float>("dx", dx, p.count),
                     mode);
  }

 private:
  static RandomKey key(const Context& context, const DropoutProblem& p) {
    return dropout_key(context.seed, p, *context.step);
  }
};

// What element i is multiplied with: 0 when dropped.
double factor(const DropoutProblem& p, const RandomKey& key, int64_t i) {
  const bool kept = unit_float(key.block(uint32_t(i / 4))[i % 4]) >= p.rate;
  return kept ? 1 / (1 - double(p.rate)) : 0;
}

}  // namespace

template <class T>
void dropout_forward(const DropoutProblem& p, const RandomKey& key, const T* x, T* y) {
  for (int64_t i = 0; i < p.count; i++) {
    const double f = factor(p, key, i);
    y[i] = T(f == 0 ? 0 : f * double(x[i]));
  }
}

template <class T>
void dropout_backward(const DropoutProblem& p, const RandomKey& key, const T* dy, T* dx, GradMode mode) {
  for (int64_t i = 0; i < p.count; i++) {
    const double f = factor(p, key, i);
    put(dx[i], f == 0 ? 0 : f * double(dy[i]), mode);
  }
}

#define GABOR_INSTANTIATE(T)                                                               \
  template void dropout_forward<T>(const DropoutProblem&, const RandomKey&, const T*, T*); \
  template void dropout_backward<T>(const DropoutProblem&, const RandomKey&, const T*, T*, GradMode);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Dropout> make_dropout() { return std::make_unique<ReferenceDropout>(); }

}  // namespace gabor::reference
