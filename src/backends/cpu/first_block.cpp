// The contract of ops/first_block.h over the kernels in first_block/.
#include "ops/first_block.h"

#include "backends/cpu/first_block/kernels.h"
#include "backends/cpu/ops.h"
#include "core/parallel.h"

namespace gabor::cpu {
namespace {

class CpuFirstBlock final : public FirstBlock {
 public:
  Support supports(const FirstBlockProblem& p) const override {
    std::string reason;
    return first_block::supported(p, reason) ? Support::yes() : Support::no(reason);
  }
  size_t workspace_bytes(const FirstBlockProblem& p) const override {
    return first_block::workspace_bytes(p, max_threads());
  }
  size_t argmax_bytes(const FirstBlockProblem& p) const override { return first_block::argmax_bytes(p); }

  void forward(Context& context, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView w,
               ConstTensorView b, TensorView y, TensorView argmax) const override {
    check(context, p, x, w);
    GABOR_CHECK(y.count() == p.pool.y_shape().count() && (!argmax || argmax.bytes() >= saved(p)));
    first_block::forward(p, x.data, w.as<float>(), b ? b.as<float>() : nullptr, y.as<float>(),
                         argmax ? argmax.as<uint8_t>() : nullptr, context.workspace, max_threads());
  }

  void backward(Context& context, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView argmax,
                ConstTensorView dy, TensorView dw, TensorView db, GradMode mode) const override {
    check(context, p, x, dw);
    GABOR_CHECK(dy.count() == p.pool.y_shape().count() && argmax && argmax.bytes() >= saved(p));
    first_block::backward(p, x.data, argmax.as<uint8_t>(), dy.as<float>(), dw.as<float>(),
                          db ? db.as<float>() : nullptr, mode == GradMode::accumulate, context.workspace,
                          max_threads());
  }

 private:
  size_t saved(const FirstBlockProblem& p) const { return size_t(p.conv.N) * argmax_bytes(p); }
  // The kernels trust their pointers.
  void check(const Context& context, const FirstBlockProblem& p, const ConstTensorView& x,
             const ConstTensorView& w) const {
    GABOR_CHECK(x.dtype == p.input && x.count() == p.conv.x_shape().count());
    GABOR_CHECK(w.count() == p.conv.w_shape().count());
    GABOR_CHECK(context.workspace_bytes >= workspace_bytes(p));
  }
};

}  // namespace

std::unique_ptr<FirstBlock> make_first_block() { return std::make_unique<CpuFirstBlock>(); }

}  // namespace gabor::cpu
