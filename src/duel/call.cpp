#include "duel/call.h"

namespace gabor {
namespace {

template <class Problem>
CallSpec weighted(const Problem& p, Pass pass) {
  const TensorSpec x{"x", p.x_shape()}, w{"w", p.w_shape()}, b{"b", p.b_shape(), DType::f32, true};
  const TensorSpec dy{"dy", p.y_shape()};
  if (pass == Pass::fprop) return {{x, w, b}, {{"y", p.y_shape()}}};
  if (pass == Pass::dgrad) return {{dy, w}, {{"dx", p.x_shape()}}};
  return {{x, dy}, {{"dw", p.w_shape()}, {"db", p.b_shape(), DType::f32, true}}};
}

CallSpec spec(const Conv2dProblem& p, Pass pass) { return weighted(p, pass); }
CallSpec spec(const DenseProblem& p, Pass pass) { return weighted(p, pass); }

CallSpec spec(const Pool2dProblem& p, Pass pass) {
  const TensorSpec winners{"argmax", p.y_shape(), p.argmax_dtype(), true};
  if (pass == Pass::fprop) {
    CallSpec s{{{"x", p.x_shape()}}, {{"y", p.y_shape()}}};
    if (p.kind == PoolKind::max) s.outputs.push_back(winners);
    return s;
  }
  return {{{"x", p.x_shape(), DType::f32, p.kind != PoolKind::l2},
           {"y", p.y_shape(), DType::f32, !p.needs_y()},
           {"argmax", p.y_shape(), p.argmax_dtype(), p.kind != PoolKind::max},
           {"dy", p.y_shape()}},
          {{"dx", p.x_shape()}}};
}

CallSpec spec(const SoftmaxProblem& p, Pass pass) {
  const Shape s{p.N, p.K};
  if (pass == Pass::fprop) return {{{"x", s}}, {{"y", s}}};
  return {{{"y", s}, {"dy", s}}, {{"dx", s}}};
}

CallSpec spec(const LossProblem& p, Pass) {
  const Shape s{p.N, p.K};
  return {{{"y", s}, {"labels", p.labels_shape(), DType::i32}, {"scale", {1}}},
          {{"dy", s, DType::f32, true}, {"loss", {1}}, {"counts", {2}, DType::i32}}};
}

CallSpec spec(const ActivationProblem& p, Pass pass) {
  const Shape s{p.count};
  if (pass == Pass::fprop) return {{{"x", s}}, {{"y", s}}};
  const bool from_y = derivative_from_output(p.activation.kind);
  return {{{"x", s, DType::f32, from_y}, {"y", s, DType::f32, !from_y}, {"dy", s}}, {{"dx", s}}};
}

CallSpec spec(const FirstBlockProblem& p, Pass pass) {
  const TensorSpec b{"b", p.conv.b_shape(), DType::f32, true};
  CallSpec s{{{"x", p.conv.x_shape(), p.input}, {"w", p.conv.w_shape()}, b}, {}};
  if (pass == Pass::fprop) return s.outputs = {{"y", p.pool.y_shape()}}, s;
  s.inputs.push_back({"dy", p.pool.y_shape()});
  s.outputs = {{"dw", p.conv.w_shape()}, {"db", p.conv.b_shape(), DType::f32, true}};
  return s;
}

CallSpec spec(const BatchNormProblem& p, Pass pass) {
  const Shape x = p.x_shape(), c = p.c_shape();
  if (pass == Pass::fprop)
    return {{{"x", x}, {"gamma", c}, {"beta", c}},
            {{"y", x}, {"mean", c}, {"rstd", c}, {"running_mean", c}, {"running_var", c}}};
  return {{{"x", x}, {"dy", x}, {"gamma", c}, {"mean", c}, {"rstd", c}},
          {{"dx", x, DType::f32, true}, {"dgamma", c}, {"dbeta", c}}};
}

}  // namespace

double HostTensor::value(size_t i) const {
  if (dtype_ == DType::f32) return view().as<float>()[i];
  return dtype_ == DType::u8 ? double(view().as<uint8_t>()[i]) : double(view().as<int32_t>()[i]);
}

CallSpec call_spec(const AnyProblem& problem, Pass pass) {
  return std::visit([&](const auto& p) { return spec(p, pass); }, problem);
}

}  // namespace gabor
