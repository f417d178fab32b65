#include "kernels/pool2d/pool2d.h"

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"

namespace gabor::cuda {
namespace {

class CudaPool2d final : public Pool2d, Stored {
 public:
  using Stored::Stored;
  Support supports(const Pool2dProblem&) const override { return Support::yes(); }

  void forward(Context& context, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView argmax) const override {
    GABOR_CHECK(!argmax || argmax.dtype == p.argmax_dtype());
    launching(
        context, "pool2d forward", [&] { return to_string(p); },
        [&] { kernels::pool2d_forward(p, storage(), in(x), out(y), argmax.data, context.stream.handle); });
  }

  void backward(Context& context, const Pool2dProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode mode) const override {
    GABOR_CHECK(p.kind != PoolKind::max || argmax.dtype == p.argmax_dtype());
    launching(
        context, "pool2d backward", [&] { return to_string(p); },
        [&] {
          kernels::pool2d_backward(p, storage(), in(x), in(y), argmax.data, in(dy), out(dx),
                                   mode == GradMode::accumulate, context.stream.handle);
        });
  }
};

}  // namespace

std::unique_ptr<Pool2d> make_pool2d(kernels::Storage storage) {
  return std::make_unique<CudaPool2d>(storage);
}

}  // namespace gabor::cuda
