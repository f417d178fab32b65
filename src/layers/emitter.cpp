#include "layers/emitter.h"

namespace gabor {

void Emitter::begin_layer(const std::string& name, const std::string& type, const std::string& backend) {
  notes_.push_back({name, type, {}, 0, {}});
  backend_ = backend;
}

void Emitter::end_layer(TensorId output) { notes_.back().output = table_[output].shape; }

void Emitter::remark(const std::string& text) {
  if (text.empty()) return;
  std::string& r = notes_.back().remark;
  r += (r.empty() ? "" : "; ") + text;
}

TensorId Emitter::activation(const std::string& suffix, const Shape& sample_shape, bool needs_grad) {
  return table_.add({layer() + suffix, sample_shape, storage_, TensorRole::activation, true, needs_grad});
}

TensorId Emitter::alias(TensorId of, const Shape& sample_shape) {
  GABOR_CHECK(table_[of].shape.count() == sample_shape.count());
  TensorInfo info = table_[of];
  info.name = layer();
  info.shape = sample_shape;
  info.alias_of = of;
  return table_.add(std::move(info));
}

TensorId Emitter::parameter(const std::string& suffix, const Shape& shape, float value) {
  ParameterDecl decl;
  decl.name = layer() + "." + suffix;
  decl.shape = shape, decl.init = {InitKind::constant, value}, decl.decay = false;
  return declare(std::move(decl));
}

TensorId Emitter::weight(const Shape& shape, const Initializer& init, const Fans& fans) {
  ParameterDecl decl;
  decl.name = layer() + ".weight";
  decl.shape = shape, decl.init = init, decl.fans = fans;
  return declare(std::move(decl), storage_);
}

TensorId Emitter::state(const std::string& suffix, const Shape& shape, float value) {
  ParameterDecl decl;
  decl.name = layer() + "." + suffix;
  decl.shape = shape, decl.init = {InitKind::constant, value}, decl.decay = decl.trainable = false;
  return declare(std::move(decl));
}

TensorId Emitter::declare(ParameterDecl decl, DType seen_in) {
  constexpr int64_t kAlign = 16;  // elements: 64 bytes
  TensorInfo info{decl.name, decl.shape, seen_in, TensorRole::parameter, false, decl.trainable};
  info.offset = decl.offset = elements_;
  elements_ += (decl.shape.count() + kAlign - 1) / kAlign * kAlign;
  notes_.back().parameters += decl.shape.count();
  decl.tensor = table_.add(std::move(info));
  parameters_.push_back(std::move(decl));
  return parameters_.back().tensor;
}

}  // namespace gabor
