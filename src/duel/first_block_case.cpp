#include <cmath>

#include "duel/case.h"
#include "duel/pooled_winners.h"
#include "ops/budget.h"
#include "ops/first_block.h"

namespace gabor {
namespace {

// Products behind an element, where scale and shift may be folded into the weights: two more roundings in each, and a
// sum of shifts.
double folded(double products) { return 2 * products + 6; }

class FirstBlockCase final : public Case {
 public:
  FirstBlockCase(const FirstBlockProblem& p, Pass pass) : p_(p), pass_(pass) {
    flops = flops_of(p) * (pass == Pass::wgrad ? 2 : 1);
    bytes = double(p.conv.x_shape().count()) * double(size_of(p.input)) +
            float_bytes({p.conv.w_shape(), p.pool.y_shape()});
  }

  CallTensors draw(const Backend&, uint64_t seed) const override {
    CallTensors call = random_call(p_, pass_, seed);
    if (p_.input == DType::u8) {
      const HostTensor values = random_tensor(p_.conv.x_shape(), seed, 9);
      for (size_t i = 0; i < values.floats().size(); i++)
        call.inputs[0].view().as<uint8_t>()[i] = uint8_t(127.5f * (values.floats()[i] + 1));
    }
    return call;
  }

  void expect(const Backend& oracle) override {
    FirstBlockProblem magnitudes = p_;
    for (size_t c = 0; c < 4; c++) {
      magnitudes.normalize.scale[c] = std::fabs(p_.normalize.scale[c]);
      magnitudes.normalize.shift[c] = std::fabs(p_.normalize.shift[c]);
    }
    const FirstBlockCase absolute_block(magnitudes, pass_);
    const double reduction = double(p_.conv.reduction());
    // The largest sum of a window has no larger magnitude than the window's largest.
    if (pass_ == Pass::fprop) return expect_sums(*this, oracle, {"y"}, {folded(reduction)}, &absolute_block);
    expect_gradients(oracle, winner_bounds(p_, inputs, folded(reduction)));
  }

  bool has_op(const OpSet& ops) const override { return ops.first_block != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.first_block->supports(p_); }
  // Backward's winners come from a forward pass of the same backend: their room, and that of its y, follow the op's.
  size_t workspace_bytes(const OpSet& ops) const override {
    const FirstBlock& op = *ops.first_block;
    const size_t own = aligned(op.workspace_bytes(p_));
    return pass_ == Pass::fprop ? own : own + y_bytes() + size_t(p_.conv.N) * op.argmax_bytes(p_);
  }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    const FirstBlock& op = *ops.first_block;
    if (pass_ == Pass::fprop) return op.forward(context, p_, in[0], in[1], in[2], out[0], {});
    auto* room = static_cast<std::byte*>(context.workspace) + aligned(op.workspace_bytes(p_));
    const TensorView y{room, p_.pool.y_shape(), DType::f32};
    const TensorView argmax{room + y_bytes(), {p_.conv.N * int64_t(op.argmax_bytes(p_))}, DType::u8};
    op.forward(context, p_, in[0], in[1], in[2], y, argmax);
    op.backward(context, p_, in[0], argmax, in[3], out[0], out[1], mode);
  }

 private:
  void expect_gradients(const Backend& oracle, WinnerBounds bounds) {
    const double terms =
        folded(double(p_.pool.y_shape().count() / p_.pool.C)) + 1;  // 1: the oracle's rounding
    std::vector<HostTensor> want = outputs_of(*this, oracle, inputs, before);
    for (size_t i = 0; i < size_t(before[0].shape().count()); i++)
      bounds.dw_magnitude.floats()[i] += std::fabs(before[0].floats()[i]);
    for (size_t k = 0; k < before[1].floats().size(); k++)
      bounds.db_magnitude.floats()[k] += std::fabs(before[1].floats()[k]);
    outputs.push_back(
        {"dw", std::move(want[0]), terms, std::move(bounds.dw_magnitude), std::move(bounds.dw_added)});
    outputs.push_back(
        {"db", std::move(want[1]), terms, std::move(bounds.db_magnitude), std::move(bounds.db_added)});
  }
  size_t y_bytes() const { return aligned(size_t(p_.pool.y_shape().count()) * sizeof(float)); }
  FirstBlockProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> first_block_case(const FirstBlockProblem& p, Pass pass) {
  return std::make_unique<FirstBlockCase>(p, pass);
}

}  // namespace gabor
