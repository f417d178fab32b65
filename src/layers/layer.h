#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "layers/emitter.h"
#include "layers/layer_spec.h"

namespace gabor {

class Layer {
 public:
  virtual ~Layer() = default;
  // Emits the layer's steps on inputs `in` (as many as inputs()) and returns its output. Sample shapes:
  // {H,W,C} for maps, {C} for vectors. Throws Error{usage} through the reader's place when the input does not
  // fit.
  virtual TensorId emit(Emitter& e, std::span<const TensorId> in) const = 0;
  virtual int inputs() const { return 1; }
};

// Makes the layer a spec describes, checking every option. Throws Error{usage} with line, column and nearest
// match.
std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const std::string& source);

// The types a model file may name, sorted.
std::vector<std::string> layer_types();

}  // namespace gabor
