#include "ops/roofs.h"

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "kernels/roofs/roofs.h"

namespace gabor::cuda {
namespace {

using kernels::RoofMath;

class CudaRoofs final : public Roofs {
 public:
  explicit CudaRoofs(const Gpu& gpu) : gpu_(gpu) {}

  void copy(Context& context, ConstTensorView x, TensorView y) const override {
    GABOR_CHECK(x.bytes() == y.bytes());
    launching(context, "copy", int64_t(x.bytes()), [&] {
      kernels::copy_bytes(blocks(), x.data, y.data, int64_t(x.bytes()), context.stream.handle);
    });
  }
  double multiply_add(Context& context, std::string_view math, int64_t rounds, TensorView y) const override {
    RoofMath by = RoofMath::ffma;
    if (math == "tf32")
      by = RoofMath::tf32;
    else if (math == "fp16")
      by = RoofMath::f16;
    else if (math == "bf16")
      by = RoofMath::bf16;
    else if (math != "fp32")
      return 0;
    if (by != RoofMath::ffma && gpu_.capability < kTensorCapability) return 0;
    GABOR_CHECK(y.count() >= fma_outputs());
    double flops = 0;
    launching(context, "multiply-add", rounds, [&] {
      flops = kernels::multiply_adds(by, blocks(), rounds, y.as<float>(), context.stream.handle);
    });
    return flops;
  }
  int64_t fma_outputs() const override { return int64_t{blocks()} * kernels::kRoofThreads; }

 private:
  int blocks() const { return kernels::roof_blocks(gpu_.multiprocessors); }
  Gpu gpu_;
};

}  // namespace

std::unique_ptr<Roofs> make_roofs(const Gpu& gpu) { return std::make_unique<CudaRoofs>(gpu); }

}  // namespace gabor::cuda
