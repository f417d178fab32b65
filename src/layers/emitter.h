// Where layers put what they make: tensors, parameters and steps of one plan.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layers/initializer.h"
#include "ops/optimizer.h"
#include "ops/step.h"

namespace gabor {

struct ParameterDecl {
  std::string name;  // "conv1.weight"
  Shape shape;
  Initializer init;
  Fans fans;
  bool decay = true;
  int64_t offset = 0;     // in the flat arena, elements; each parameter starts on 16
  bool trainable = true;  // false: a step's own memory (running statistics), saved like a weight; no gradient
  TensorId tensor = kNoTensor;
};

// What `summary` shows of a layer.
struct LayerNote {
  std::string name, type;
  Shape output;            // of one sample
  int64_t parameters = 0;  // elements, those that are not trained too
  std::string remark;      // "1 row and 1 column unread"
};

class Emitter {
 public:
  // storage: element type of activations, and of the weights that products read (Library::storage).
  explicit Emitter(int64_t batch, DType storage = DType::f32) : batch_(batch), storage_(storage) {}

  int64_t batch() const { return batch_; }
  const Shape& shape(TensorId id) const { return table_[id].shape; }
  bool needs_grad(TensorId id) const { return table_[id].needs_grad; }

  void begin_layer(const std::string& name, const std::string& type, const std::string& backend);
  void end_layer(TensorId output);
  void remark(const std::string& text);
  const std::string& layer() const { return notes_.back().name; }

  TensorId tensor(TensorInfo info) { return table_.add(std::move(info)); }
  TensorId activation(const std::string& suffix, const Shape& sample_shape, bool needs_grad);
  TensorId alias(TensorId of, const Shape& sample_shape);  // same bytes, another shape
  TensorId parameter(const std::string& suffix, const Shape& shape,
                     float value);  // begins as `value`; not decayed
  // What a product reads, decayed. Its step sees it in storage.
  TensorId weight(const Shape& shape, const Initializer& init, const Fans& fans);
  // Kept and saved beside the parameters, but moved by its step and not by the optimizer; begins as `value`.
  TensorId state(const std::string& suffix, const Shape& shape, float value);

  template <class S, class... Args>
  void step(Args&&... args) {
    auto s = std::make_unique<S>(std::forward<Args>(args)...);
    s->layer = layer();
    s->prefer = backend_;
    steps_.push_back(std::move(s));
  }
  uint32_t next_dropout() { return dropouts_++; }

  // Taken by the plan when all layers have emitted.
  TensorTable& table() { return table_; }
  std::vector<std::unique_ptr<Step>>& steps() { return steps_; }
  std::vector<ParameterDecl>& parameters() { return parameters_; }  // and states
  std::vector<LayerNote>& notes() { return notes_; }
  int64_t parameter_elements() const { return elements_; }  // length of the arena

 private:
  TensorId declare(ParameterDecl decl, DType seen_in = DType::f32);
  int64_t batch_;
  DType storage_;
  TensorTable table_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<ParameterDecl> parameters_;
  std::vector<LayerNote> notes_;
  std::string backend_;
  int64_t elements_ = 0;
  uint32_t dropouts_ = 0;
};

}  // namespace gabor
