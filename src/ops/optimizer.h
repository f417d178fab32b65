#pragma once
#include <span>
#include <string_view>

#include "core/problem/gradient_norm.h"
#include "core/problem/step_values.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// With g the gradient of a parameter w (what backward left, times UpdateValues::unscale), lr the rate, t = 1, 2, ... the
// update's number, wd the weight decay:
//   sgd       g += wd w;  w -= lr g
//   momentum  g += wd w;  m = mu m + g;  w -= lr m            (PyTorch's form; first m = g)
//   nesterov  g += wd w;  m = mu m + g;  w -= lr (g + mu m)
//   adam      g += wd w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
//             w -= lr sqrt(1-b2^t)/(1-b1^t) * m / (sqrt(v) + eps')   (Kingma, Ba: Adam, 2015; see epsilon
//             below)
//   adamw     w -= lr wd w first, then as adam without wd       (Loshchilov, Hutter: 2019)
// epsilon stands outside the root, after bias correction: m^ / (sqrt(v^) + epsilon), m^ = m/(1-b1^t), v^ =
// v/(1-b2^t) (PyTorch's and the paper's main form), so eps' = epsilon sqrt(1-b2^t).
enum class OptimizerKind : uint8_t { sgd, momentum, nesterov, adam, adamw };
const char* name_of(OptimizerKind kind);
bool parse_optimizer(std::string_view name, OptimizerKind& out);

struct OptimizerProblem {
  OptimizerKind kind = OptimizerKind::adam;
  float momentum = 0.9f;
  float beta1 = 0.9f, beta2 = 0.999f;
  float epsilon = 1e-7f;  // Keras' default (ARTICLE B10)
  float weight_decay = 0;
  int moments() const { return kind == OptimizerKind::sgd ? 0 : kind <= OptimizerKind::nesterov ? 1 : 2; }
};

// What update() reads in Context::step, worked out in double. t: 1, 2, ...
UpdateValues update_values(const OptimizerProblem& p, float lr, int64_t t);

// A run of parameters in the flat arena; biases are not decayed.
struct ParameterSegment {
  int64_t offset = 0, count = 0;  // elements
  bool decay = true;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual Support supports(const OptimizerProblem& p) const = 0;
  // What update() wants to find in device memory about the segments: its bytes, and its contents, written once, at
  // set-up.
  virtual size_t layout_bytes(std::span<const ParameterSegment>) const { return 0; }
  virtual void write_layout(Device&, std::span<const ParameterSegment>, void* /*layout*/) const {}
  // norm: in device memory, of these gradients, or null: unchecked. Where one of them is no number nothing is moved.
  // params, grads, m, v: f32, flat, equally long; m and v only as far as p.moments() says, else empty. layout: what
  // write_layout wrote for these segments; null where it has no bytes. lr and t: by update_values, in Context::step.
  virtual void update(Context&, const OptimizerProblem&, std::span<const ParameterSegment> segments,
                      const void* layout, TensorView params, ConstTensorView grads, TensorView m,
                      TensorView v, const NormResult* norm) const = 0;
};

}  // namespace gabor
