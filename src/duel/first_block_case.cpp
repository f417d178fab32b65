#include <algorithm>
#include <cmath>
#include <limits>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/conv2d.h"
#include "ops/first_block.h"

namespace gabor {
namespace {

// Inputs: x, w, b / x, w, b, dy. Outputs: y / dw, db. The winners that backward reads are the candidate's own, in a
// layout of its own: its forward leaves them before the runs.
class FirstBlockCase final : public Case {
 public:
  FirstBlockCase(const FirstBlockProblem& p, Pass pass, const Backend& oracle, uint64_t seed)
      : p_(p), pass_(Pass::fprop) {
    const Conv2dProblem& conv = p.conv;
    // Which winners there are needs two bits an element of y at least; the arg-max is left out of the traffic.
    bytes = double(conv.x_shape().count()) * double(size_of(p.input)) +
            float_bytes({conv.w_shape(), conv.b_shape(), p.pool.y_shape()});
    flops = flops_of(p);
    inputs.push_back(p.input == DType::u8 ? random_pixels(seed) : random_tensor(conv.x_shape(), seed, 0));
    inputs.push_back(random_tensor(conv.w_shape(), seed, 1));
    inputs.push_back(random_tensor(conv.b_shape(), seed, 2));
    std::vector<HostTensor> y =
        oracle_outputs(*this, oracle, inputs, std::vector{HostTensor(p.pool.y_shape())});
    const Windows windows(*this, oracle);
    if (pass == Pass::fprop) {
      outputs.push_back({"y", std::move(y[0]), 0, windows.budget});
      return;
    }
    pass_ = pass;
    flops = 2 * double(p.pool.y_shape().count()) * double(conv.reduction());  // winners only
    inputs.push_back(random_tensor(p.pool.y_shape(), seed, 3));
    // A backend may prefer another element that lies within the budgets, and be as right.
    for (size_t i = 0; i < windows.certain.size(); i++)
      if (!windows.certain[i]) inputs[3].floats()[i] = 0;
    const double terms = roundings(double(p.pool.N * p.pool.P() * p.pool.Q()));
    expect_sums(*this, oracle, {HostTensor(conv.w_shape()), HostTensor(conv.b_shape())}, {"dw", "db"},
                {terms, terms});
  }

  bool has_op(const OpSet& ops) const override { return ops.first_block != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.first_block->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.first_block->workspace_bytes(p_); }
  size_t own_bytes(const OpSet& ops) const override {
    return aligned(winner_bytes(ops)) + (pass_ == Pass::fprop ? 0 : size_t(float_bytes({p_.pool.y_shape()})));
  }
  void prepare(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
               TensorView own) const override {
    if (pass_ == Pass::fprop) return;
    auto* y = own.as<uint8_t>() + aligned(winner_bytes(ops));
    ops.first_block->forward(context, p_, in[0], in[1], in[2], {y, p_.pool.y_shape(), DType::f32},
                             winners(ops, own));
  }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    const TensorView argmax = winners(ops, out.back());
    if (pass_ == Pass::fprop)
      ops.first_block->forward(context, p_, in[0], in[1], in[2], out[0], argmax);
    else
      ops.first_block->backward(context, p_, in[0], argmax, in[3], out[0], out[1], GradMode::overwrite);
  }

 private:
  size_t winner_bytes(const OpSet& ops) const {
    return size_t(p_.conv.N) * ops.first_block->argmax_bytes(p_);
  }
  TensorView winners(const OpSet& ops, const TensorView& own) const {
    return {own.data, {int64_t(winner_bytes(ops))}, DType::u8};
  }
  // A backend may fold the pictures' scale into the weights: two more roundings in each product.
  static double roundings(double products) { return 2 * products + 6; }

  // The pooling windows over the map that the block never writes.
  struct Windows {
    Windows(const FirstBlockCase& c, const Backend& oracle) : budget(c.p_.pool.y_shape()) {
      const Pool2dProblem& pool = c.p_.pool;
      const std::vector<float> sums = c.linear_map(oracle, false), sizes = c.linear_map(oracle, true);
      const double n = roundings(double(c.p_.conv.reduction()));
      size_t i = 0;
      for (int64_t image = 0; image < pool.N; image++)
        for (int64_t p = 0; p < pool.P(); p++)
          for (int64_t q = 0; q < pool.Q(); q++)
            for (int64_t k = 0; k < pool.C; k++, i++) {
              double most = 0, best = -std::numeric_limits<double>::infinity(), second = best;
              for (int64_t r = 0; r < pool.R; r++)
                for (int64_t s = 0; s < pool.S; s++) {
                  const int64_t h = p * pool.stride_h - pool.pad.top + r,
                                w = q * pool.stride_w - pool.pad.left + s;
                  if (h < 0 || h >= pool.H || w < 0 || w >= pool.W) continue;
                  const size_t at = size_t(((image * pool.H + h) * pool.W + w) * pool.C + k);
                  most = std::max(most, sum_budget(n, sizes[at]));
                  second = std::max(second, std::min(best, double(sums[at])));
                  best = std::max(best, double(sums[at]));
                }
              budget.floats()[i] = float(most);
              certain.push_back(best - second > 2 * most && std::fabs(best) > most);
            }
    }
    HostTensor budget;          // of y
    std::vector<bool> certain;  // whether every right backend must find the same winner
  };

  // The convolution's map before relu by the oracle, or the sums of the absolute values behind each element.
  std::vector<float> linear_map(const Backend& oracle, bool magnitudes) const {
    Conv2dProblem conv = p_.conv;
    conv.activation = {};
    HostTensor x(conv.x_shape()), w = inputs[1], b = inputs[2];
    for (size_t i = 0; i < x.floats().size(); i++) x.floats()[i] = pixel(i);
    if (magnitudes) x = absolute(x), w = absolute(w), b = absolute(b);
    const Buffer workspace(oracle.device(), oracle.ops().conv2d->workspace_bytes(conv, Pass::fprop));
    Context context{oracle.device(), oracle.device().stream(), workspace.data(), workspace.bytes()};
    HostTensor y(conv.y_shape());
    oracle.ops().conv2d->fprop(context, conv, std::as_const(x).view(), std::as_const(w).view(),
                               std::as_const(b).view(), y.view());
    return {y.floats().begin(), y.floats().end()};
  }

  float pixel(size_t i) const {
    if (p_.input == DType::f32) return inputs[0].view().as<float>()[i];
    const size_t c = i % size_t(p_.conv.C);
    return float(inputs[0].view().as<uint8_t>()[i]) * p_.normalize.scale[c] + p_.normalize.shift[c];
  }

  HostTensor random_pixels(uint64_t seed) const {
    HostTensor unit = random_tensor(p_.conv.x_shape(), seed, 0), x(p_.conv.x_shape(), DType::u8);
    for (size_t i = 0; i < unit.floats().size(); i++)
      x.view().as<uint8_t>()[i] = uint8_t(128 + 128 * unit.floats()[i]);
    return x;
  }

  FirstBlockProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> first_block_case(const FirstBlockProblem& p, Pass pass, const Backend& oracle,
                                       uint64_t seed) {
  return std::make_unique<FirstBlockCase>(p, pass, oracle, seed);
}

}  // namespace gabor
