#include "layers/pool2d_layer.h"

#include "layers/layer_options.h"
#include "ops/steps/pool2d_step.h"

namespace gabor {
namespace {

const std::vector<std::string> kKinds = {"max", "average", "l2"};

PoolKind kind_of(const std::string& name) {
  return name == "max" ? PoolKind::max : name == "average" ? PoolKind::average : PoolKind::l2;
}

Pool2dProblem problem_for(Emitter& e, TensorId in, const std::string& where) {
  const Shape x = e.shape(in);
  if (x.rank() != 3)
    fail(ErrorCode::usage, where, "pooling needs a map (HxWxC) but its input is {}", x.str());
  Pool2dProblem p;
  p.N = e.batch(), p.H = x[0], p.W = x[1], p.C = x[2];
  return p;
}

class Pool2dLayer final : public Layer {
 public:
  Pool2dLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    if (!r.has("kind")) r.error("'kind' is missing: max, average or l2");
    kind_ = kind_of(r.word("kind", "", kKinds));
    size_ = r.pair("size", {2, 2}, 1, 4096);
    stride_ = r.pair("stride", size_, 1, 4096);
    padding_ = read_padding(r);
    ceil_ = r.word("rounding", "floor", {"floor", "ceil"}) == "ceil";
    r.finish();
  }

  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    Pool2dProblem p = problem_for(e, in[0], where_);
    p.kind = kind_, p.R = size_.h, p.S = size_.w, p.stride_h = stride_.h, p.stride_w = stride_.w,
    p.ceil = ceil_;
    p.pad = resolve(padding_, p.H, p.W, p.R, p.S, p.stride_h, p.stride_w);
    p.check(where_);
    e.remark(unread_text(unread(p.H, p.R, p.pad.top, p.stride_h, 1, p.P()),
                         unread(p.W, p.S, p.pad.left, p.stride_w, 1, p.Q())));
    const TensorId y = e.activation("", p.y_shape().drop_first(), e.needs_grad(in[0]));
    e.step<Pool2dStep>(p, in[0], y);
    return y;
  }

 private:
  std::string where_;
  PoolKind kind_;
  OptionReader::Pair size_, stride_;
  PaddingOption padding_;
  bool ceil_;
};

class GlobalPoolLayer final : public Layer {
 public:
  GlobalPoolLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    kind_ = kind_of(r.word("kind", "average", kKinds));
    r.finish();
  }

  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    Pool2dProblem p = problem_for(e, in[0], where_);
    p.kind = kind_, p.R = p.stride_h = p.H, p.S = p.stride_w = p.W;
    const TensorId y = e.activation("", p.y_shape().drop_first(), e.needs_grad(in[0]));
    e.step<Pool2dStep>(p, in[0], y);
    return e.alias(y, {p.C});
  }

 private:
  std::string where_;
  PoolKind kind_;
};

}  // namespace

std::unique_ptr<Layer> make_pool2d_layer(const LayerSpec& spec, const std::string& source) {
  return std::make_unique<Pool2dLayer>(spec, source);
}

std::unique_ptr<Layer> make_global_pool_layer(const LayerSpec& spec, const std::string& source) {
  return std::make_unique<GlobalPoolLayer>(spec, source);
}

}  // namespace gabor
