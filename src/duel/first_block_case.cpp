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
    // Backward's products are the winners' only.
    flops =
        pass == Pass::wgrad ? 2 * double(p.pool.y_shape().count()) * double(p.conv.reduction()) : flops_of(p);
    bytes = double(p.conv.x_shape().count()) * double(size_of(p.input)) +
            float_bytes({p.conv.w_shape(), p.conv.b_shape(), p.pool.y_shape()});
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
  size_t workspace_bytes(const OpSet& ops) const override { return ops.first_block->workspace_bytes(p_); }
  // The winners are the candidate's own, in a layout of its own; backward's come from a forward before the runs.
  size_t own_bytes(const OpSet& ops) const override {
    return aligned(winner_bytes(ops)) + (pass_ == Pass::fprop ? 0 : size_t(float_bytes({p_.pool.y_shape()})));
  }
  void prepare(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
               TensorView own) const override {
    if (pass_ == Pass::fprop) return;
    auto* y = static_cast<std::byte*>(own.data) + aligned(winner_bytes(ops));
    const DType storage = in[3].dtype;  // of dy, so of y
    ops.first_block->forward(context, p_, in[0], in[1], in[2], {y, p_.pool.y_shape(), storage},
                             winners(ops, own));
  }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    const TensorView argmax = winners(ops, out.back());
    if (pass_ == Pass::fprop)
      return ops.first_block->forward(context, p_, in[0], in[1], in[2], out[0], argmax);
    ops.first_block->backward(context, p_, in[0], argmax, in[3], out[0], out[1], mode);
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
  size_t winner_bytes(const OpSet& ops) const {
    return size_t(p_.conv.N) * ops.first_block->argmax_bytes(p_);
  }
  TensorView winners(const OpSet& ops, const TensorView& own) const {
    return {own.data, {int64_t(winner_bytes(ops))}, DType::u8};
  }
  FirstBlockProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> first_block_case(const FirstBlockProblem& p, Pass pass) {
  return std::make_unique<FirstBlockCase>(p, pass);
}

}  // namespace gabor
