// Convolution and dense layer, the two ops with weights, have the same three passes: what each reads and writes, and how
// it is called, for those who run either.
#pragma once
#include <span>
#include <vector>

#include "ops/backend.h"
#include "ops/conv2d.h"
#include "ops/dense.h"

namespace gabor {

// Where an OpSet has the op, and its name.
template <class Op>
struct WeightedOp;
template <>
struct WeightedOp<Conv2d> {
  static constexpr auto kMember = &OpSet::conv2d;
  static constexpr const char* kName = "conv2d";
};
template <>
struct WeightedOp<Dense> {
  static constexpr auto kMember = &OpSet::dense;
  static constexpr const char* kName = "dense";
};

// x, w, b -> y;  dy, w -> dx;  x, dy -> dw, db. b, dw and db are f32, the others of the backend's Traits::storage.
struct PassShapes {
  std::vector<Shape> in, out;
  std::vector<DType> in_types, out_types;
};
template <class Problem>
PassShapes pass_shapes(const Problem& p, Pass pass, DType storage = DType::f32) {
  constexpr DType sums = DType::f32;
  if (pass == Pass::fprop)
    return {{p.x_shape(), p.w_shape(), p.b_shape()}, {p.y_shape()}, {storage, storage, sums}, {storage}};
  if (pass == Pass::dgrad) return {{p.y_shape(), p.w_shape()}, {p.x_shape()}, {storage, storage}, {storage}};
  return {{p.x_shape(), p.y_shape()}, {p.w_shape(), p.b_shape()}, {storage, storage}, {sums, sums}};
}

// in, out: in the order of pass_shapes. Outputs are overwritten.
template <class Op, class Problem>
void run_pass(const Op& op, Context& context, const Problem& p, Pass pass,
              std::span<const ConstTensorView> in, std::span<const TensorView> out) {
  if (pass == Pass::fprop) op.fprop(context, p, in[0], in[1], in[2], out[0]);
  if (pass == Pass::dgrad) op.dgrad(context, p, in[0], in[1], out[0], GradMode::overwrite);
  if (pass == Pass::wgrad) op.wgrad(context, p, in[0], in[1], out[0], out[1], GradMode::overwrite);
}

}  // namespace gabor
