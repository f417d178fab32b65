#include "layers/small_layers.h"

#include "layers/layer_options.h"
#include "ops/steps/elementwise_steps.h"

namespace gabor {
namespace {

class FlattenLayer final : public Layer {
 public:
  FlattenLayer(const LayerSpec& spec, const std::string& source) { OptionReader(spec, source).finish(); }
  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    return e.alias(in[0], {e.shape(in[0]).count()});
  }
};

class ActivationLayer final : public Layer {
 public:
  ActivationLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    if (!r.has("kind")) r.error("'kind' is missing, for example kind = \"relu\"");
    option_ = read_activation(r, "kind", "", true);
    r.finish();
  }
  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    const Shape x = e.shape(in[0]);
    const TensorId y = e.activation("", x, e.needs_grad(in[0]));
    if (option_.softmax) {
      if (x.rank() != 1) fail(ErrorCode::usage, where_, "softmax needs a flat input but gets {}", x.str());
      if (x[0] == 1)
        fail(ErrorCode::usage, where_,
             "a softmax over 1 unit is always 1, so nothing can be learnt; use one unit a class");
      e.step<SoftmaxStep>(SoftmaxProblem{e.batch(), x[0]}, in[0], y);
    } else {
      e.step<ActivationStep>(option_.activation, e.batch() * x.count(), in[0], y);
    }
    return y;
  }

 private:
  std::string where_;
  ActivationOption option_;
};

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(const LayerSpec& spec, const std::string& source) {
    OptionReader r(spec, source);
    if (!r.has("rate")) r.error("'rate' is missing, for example rate = 0.5");
    rate_ = float(r.number("rate", 0, 0, 1));
    if (rate_ >= 1) r.error("rate", "rate = 1 drops everything; must be below 1");
    r.finish();
  }
  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    const TensorId y = e.activation("", e.shape(in[0]), e.needs_grad(in[0]));
    e.step<DropoutStep>(rate_, e.next_dropout(), e.batch() * e.shape(in[0]).count(), in[0], y);
    return y;
  }

 private:
  float rate_;
};

class AddLayer final : public Layer {
 public:
  AddLayer(const LayerSpec& spec, const std::string& source) : where_(layer_place(spec, source)) {
    OptionReader r(spec, source);
    r.finish();
    if (spec.from.size() != 2) r.error("add needs two inputs: from = [\"first\", \"second\"]");
  }
  int inputs() const override { return 2; }
  TensorId emit(Emitter& e, std::span<const TensorId> in) const override {
    if (e.shape(in[0]) != e.shape(in[1]))
      fail(ErrorCode::usage, where_, "cannot add {} and {}: the shapes differ", e.shape(in[0]).str(),
           e.shape(in[1]).str());
    const TensorId y = e.activation("", e.shape(in[0]), e.needs_grad(in[0]) || e.needs_grad(in[1]));
    e.step<AddStep>(e.batch() * e.shape(in[0]).count(), in[0], in[1], y);
    return y;
  }

 private:
  std::string where_;
};

}  // namespace

std::unique_ptr<Layer> make_flatten_layer(const LayerSpec& s, const std::string& source) {
  return std::make_unique<FlattenLayer>(s, source);
}
std::unique_ptr<Layer> make_activation_layer(const LayerSpec& s, const std::string& source) {
  return std::make_unique<ActivationLayer>(s, source);
}
std::unique_ptr<Layer> make_dropout_layer(const LayerSpec& s, const std::string& source) {
  return std::make_unique<DropoutLayer>(s, source);
}
std::unique_ptr<Layer> make_add_layer(const LayerSpec& s, const std::string& source) {
  return std::make_unique<AddLayer>(s, source);
}

}  // namespace gabor
