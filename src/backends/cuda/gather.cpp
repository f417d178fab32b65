#include "kernels/image/gather.h"

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"

namespace gabor::cuda {
namespace {

class CudaGather final : public Gather {
 public:
  Support supports(const GatherProblem& p) const override {
    return p.C <= 4 ? Gather::supports(p) : Support::no("more than 4 channels");
  }
  void forward(Context& context, const GatherProblem& p, ConstTensorView x, const PictureRow* rows,
               TensorView y) const override {
    launching(context, "gather", p.N * p.H * p.W * p.C,
              [&] { kernels::gather(p, x.as<uint8_t>(), rows, y.as<uint8_t>(), context.stream.handle); });
  }
};

}  // namespace

std::unique_ptr<Gather> make_gather() { return std::make_unique<CudaGather>(); }

}  // namespace gabor::cuda
