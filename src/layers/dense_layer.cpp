#include "layers/dense_layer.h"

#include "layers/layer_options.h"
#include "ops/steps/elementwise_steps.h"
#include "ops/steps/weighted_step.h"

namespace gabor {
namespace {

class DenseLayer final : public Layer {
 public:
  DenseLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    units_ = r.required_integer("units", 1, int64_t{1} << 24);
    bias_ = r.boolean("bias", true);
    const ActivationOption a = read_activation(r, "activation", "none", true);
    activation_ = a.activation, softmax_ = a.softmax;
    init_ = read_initializer(r);
    if (softmax_ && units_ == 1)
      r.error("units",
              "a softmax over 1 unit is always 1, so nothing can be learnt; use one unit a class (2 for cats "
              "and dogs)");
    r.finish();
  }

  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    const Shape x = e.shape(in[0]);
    if (x.rank() != 1)
      fail(ErrorCode::usage, where_,
           "dense needs a flat input but gets {}; put a flatten or global_pool layer before it", x.str());
    const DenseProblem p{e.batch(), x[0], units_, {}};
    checked_mul(p.C, p.K, "dense weights");
    const Fans fans{double(p.C), double(p.K)};
    const TensorId w = e.weight(p.w_shape(), init_, fans);
    const TensorId b = bias_ ? e.parameter("bias", p.b_shape(), 0) : kNoTensor;
    TensorId y = e.activation("", {units_}, true);
    e.step<DenseStep>(p, in[0], w, b, y);
    if (softmax_ || activation_.kind != ActivationKind::none) {
      const TensorId a = e.activation(softmax_ ? ".softmax" : ".act", {units_}, true);
      if (softmax_)
        e.step<SoftmaxStep>(SoftmaxProblem{p.N, p.K}, y, a);
      else
        e.step<ActivationStep>(activation_, p.N * p.K, y, a);
      y = a;
    }
    return y;
  }

 private:
  std::string where_;
  int64_t units_;
  bool bias_, softmax_;
  Activation activation_;
  Initializer init_;
};

}  // namespace

std::unique_ptr<Layer> make_dense_layer(const LayerSpec& spec, const std::string& source) {
  return std::make_unique<DenseLayer>(spec, source);
}

}  // namespace gabor
