#include "layers/batchnorm_layer.h"

#include "core/error.h"
#include "ops/steps/batchnorm_step.h"

namespace gabor {
namespace {

class BatchNormLayer final : public Layer {
 public:
  BatchNormLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    epsilon_ = float(r.number("epsilon", 1e-5, 0, 1));
    if (!(epsilon_ > 0))  // also what is too small for a float
      r.error("epsilon", "epsilon must be above 0: a channel that is constant would be divided by 0");
    momentum_ = float(r.number("momentum", 0.1, 0, 1));
    if (momentum_ == 0)
      r.error("momentum", "momentum must be above 0: the running statistics would never move");
    r.finish();
  }

  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    const Shape x = e.shape(in[0]);
    const int64_t C = x[x.rank() - 1];
    if (momentum_ > 0.5f)
      e.remark(fmt::format("momentum {} is the share of a batch: Keras' {} is {:.3g} here", momentum_,
                           momentum_, 1 - momentum_));
    const BatchNormProblem p{checked_mul(e.batch(), x.count() / C, "batchnorm"), C, epsilon_, momentum_};
    p.check(where_);
    const TensorId gamma = e.parameter("gamma", p.c_shape(), 1);
    const TensorId beta = e.parameter("beta", p.c_shape(), 0);
    const TensorId running_mean = e.state("running_mean", p.c_shape(), 0);
    const TensorId running_var = e.state("running_var", p.c_shape(), 1);
    const TensorId y = e.activation("", x, true);
    e.step<BatchNormStep>(p, e.batch(), in[0], gamma, beta, running_mean, running_var, y);
    return y;
  }

 private:
  std::string where_;
  float epsilon_, momentum_;
};

}  // namespace

std::unique_ptr<Layer> make_batchnorm_layer(const LayerSpec& spec, const std::string& source) {
  return std::make_unique<BatchNormLayer>(spec, source);
}

}  // namespace gabor
