#include "layers/conv2d_layer.h"

#include "layers/layer_options.h"
#include "ops/steps/elementwise_steps.h"
#include "ops/steps/weighted_step.h"

namespace gabor {
namespace {

class Conv2dLayer final : public Layer {
 public:
  Conv2dLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    filters_ = r.required_integer("filters", 1, 1 << 20);
    if (!r.has("kernel")) r.required_integer("kernel", 1, 4096);
    kernel_ = r.pair("kernel", {1, 1}, 1, 4096);
    stride_ = r.pair("stride", {1, 1}, 1, 4096);
    dilation_ = r.pair("dilation", {1, 1}, 1, 4096);
    padding_ = read_padding(r);
    groups_ = r.integer("groups", 1, 1, 1 << 20);
    bias_ = r.boolean("bias", true);
    activation_ = read_activation(r, "activation", "none", false).activation;
    init_ = read_initializer(r);
    r.finish();
  }

  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    const Shape x = e.shape(in[0]);
    if (x.rank() != 3)
      fail(ErrorCode::usage, where_, "conv2d needs a map (HxWxC) but its input is {}", x.str());
    Conv2dProblem p;
    p.N = e.batch(), p.H = x[0], p.W = x[1], p.C = x[2];
    p.K = filters_, p.R = kernel_.h, p.S = kernel_.w;
    p.stride_h = stride_.h, p.stride_w = stride_.w, p.dil_h = dilation_.h, p.dil_w = dilation_.w;
    p.groups = groups_;
    p.pad = resolve(padding_, p.H, p.W, p.R, p.S, p.stride_h, p.stride_w, p.dil_h, p.dil_w);
    p.check(where_);
    e.remark(unread_text(unread(p.H, p.R, p.pad.top, p.stride_h, p.dil_h, p.P()),
                         unread(p.W, p.S, p.pad.left, p.stride_w, p.dil_w, p.Q())));

    const double area = double(p.R * p.S);
    const Fans fans{area * double(p.C / p.groups), area * double(p.K / p.groups)};
    const TensorId w = e.weight(p.w_shape(), init_, fans);
    const TensorId b = bias_ ? e.parameter("bias", p.b_shape(), 0) : kNoTensor;
    TensorId y = e.activation("", p.y_shape().drop_first(), true);
    e.step<Conv2dStep>(p, in[0], w, b, y);
    if (activation_.kind != ActivationKind::none) {
      const TensorId a = e.activation(".act", e.shape(y), true);
      e.step<ActivationStep>(activation_, p.y_shape().count(), y, a);
      y = a;
    }
    return y;
  }

 private:
  std::string where_;
  int64_t filters_, groups_;
  OptionReader::Pair kernel_, stride_, dilation_;
  PaddingOption padding_;
  bool bias_;
  Activation activation_;
  Initializer init_;
};

}  // namespace

std::unique_ptr<Layer> make_conv2d_layer(const LayerSpec& spec, const std::string& source) {
  return std::make_unique<Conv2dLayer>(spec, source);
}

}  // namespace gabor
