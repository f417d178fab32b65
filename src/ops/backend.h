// A backend is a set of op implementations for one kind of device. Adding an op: its header, one line here,
// one field in the backends that have it.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "device/device.h"

namespace gabor {

class ActivationOp;
class Add;
class BatchNorm;
class Cast;
class Conv2d;
class Dense;
class Dropout;
class FirstBlock;
class Gather;
class GradientNorm;
class Head;
class Loss;
class NormalizeOp;
class Optimizer;
class Pool2d;
class Roofs;
class Softmax;

// The ops a backend has; null: not written there.
struct OpSet {
  const ActivationOp* activation = nullptr;
  const Add* add = nullptr;
  const BatchNorm* batchnorm = nullptr;
  const Cast* cast = nullptr;
  const Conv2d* conv2d = nullptr;
  const Dense* dense = nullptr;
  const Dropout* dropout = nullptr;
  const FirstBlock* first_block = nullptr;
  const Gather* gather = nullptr;
  const GradientNorm* gradient_norm = nullptr;
  const Head* head = nullptr;
  const Loss* loss = nullptr;
  const NormalizeOp* normalize = nullptr;
  const Optimizer* optimizer = nullptr;
  const Pool2d* pool2d = nullptr;
  const Roofs* roofs = nullptr;
  const Softmax* softmax = nullptr;
};

// How a backend computes, for comparisons: only what is equal here is compared as equal.
//   math    precision of the products: "fp32"; "tf32", "bf16", "fp16": operands rounded to that before each product;
//           "fp64": exact products, summed in double
//   layout  of the activations inside the op; "NHWC" is the contracts' own, any other is converted at each call
struct Traits {
  std::string math = "fp32", layout = "NHWC";
  // Element type of the tensors of which contracts say so: activations, logits and their gradients, and w. All else is f32
  // always: b, dw and db, batchnorm's parameters and statistics, the loss. Sums are float inside, and a result is rounded
  // whenever it is stored: dx at each addition to it, y also before an activation that Dense has as a pass of its own.
  DType storage = DType::f32;
  bool emulated = false;  // of a GPU, on the CPU: results are judged, and times mean nothing
  int alignment = 4;      // bytes: tensors begin at multiples of it (those of arenas at Device::kAlignment)
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // "reference", "cpu", "cuda", "cudnn"
  virtual Device& device() const = 0;         // the one that it runs on; lives as long as the backend
  virtual const OpSet& ops() const = 0;
  virtual Traits traits() const { return {}; }
  // What it holds of the device's memory as long as it lives, beside what each op is given; its variants hold no more.
  virtual size_t fixed_bytes() const { return 0; }
  // Backends on the same device whose ops are pinned to one kernel each, for comparisons (gabor duel): "cpu/onednn",
  // "cuda/direct". One that is named as a Traits::math ("cuda/tf32") is the backend in that math, for runs that ask for it
  // (Library::in_precision). An op that has no such kernel is null. They outlive neither their device nor what they are made of.
  virtual std::vector<std::shared_ptr<const Backend>> variants() const { return {}; }
};

}  // namespace gabor
