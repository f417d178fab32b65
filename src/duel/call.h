// The tensors of one call of an op: which there are, and their values on the host.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/stored_floats.h"
#include "core/tensor.h"
#include "duel/problem.h"

namespace gabor {

// A tensor on the host that owns its bytes. An empty one stands for an argument that is left out.
class HostTensor {
 public:
  HostTensor() = default;
  explicit HostTensor(Shape shape, DType dtype = DType::f32)
      : shape_(shape), dtype_(dtype), bytes_(size_t(shape.count()) * size_of(dtype)) {}
  explicit operator bool() const { return !bytes_.empty(); }
  TensorView view() { return {*this ? bytes_.data() : nullptr, shape_, dtype_}; }
  ConstTensorView view() const { return {*this ? bytes_.data() : nullptr, shape_, dtype_}; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::span<float> floats() { return {view().as<float>(), bytes_.size() / sizeof(float)}; }
  std::span<const float> floats() const { return {view().as<float>(), bytes_.size() / sizeof(float)}; }
  double value(size_t i) const { return element(view(), i); }

 private:
  Shape shape_;
  DType dtype_ = DType::f32;
  std::vector<unsigned char> bytes_;
};

struct TensorSpec {
  std::string name;  // as in the op's contract: "x", "dw"
  Shape shape;
  DType dtype = DType::f32;
  bool optional = false;  // a call may leave it out
  bool stored = false;    // call_spec: of another type where Traits::storage is not f32
};

// Pooling, softmax, activations and batchnorm: fprop is forward, dgrad is backward. A first block's wgrad also takes w
// and b: saved winners have a layout of the backend's own, so each makes its own in a forward pass before it. A loss has
// fprop only, and its scale is an input of one element.
struct CallSpec {
  std::vector<TensorSpec> inputs, outputs;
};
CallSpec call_spec(const AnyProblem& problem, Pass pass);

// The tensors as a backend of that storage has them.
std::vector<HostTensor> in_storage(std::span<const HostTensor> tensors, std::span<const TensorSpec> specs,
                                   DType storage);

struct CallTensors {
  std::vector<HostTensor> inputs, outputs;  // as in the spec
  GradMode mode = GradMode::overwrite;      // accumulate: the outputs hold what is added to
};

}  // namespace gabor
