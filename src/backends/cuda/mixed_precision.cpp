// What training with 16-bit tensors needs beside them: the weights' copy, and the gradients' health.
#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "kernels/elementwise/cast.h"
#include "kernels/norm/norm.h"

namespace gabor::cuda {
namespace {

class CudaCast final : public Cast {
 public:
  Support supports(const CastProblem& p) const override {
    if (p.to == DType::f16 || p.to == DType::bf16) return Support::yes();
    return Support::no(fmt::format("from f32 to {} is not supported", name_of(p.to)));
  }
  void run(Context& context, const CastProblem& p, ConstTensorView x, TensorView y) const override {
    GABOR_CHECK(y.dtype == p.to);
    const auto storage = p.to == DType::f16 ? kernels::Storage::f16 : kernels::Storage::bf16;
    launching(context, "cast", p.count,
              [&] { kernels::cast(p.count, x.as<float>(), storage, y.data, context.stream.handle); });
  }
};

class CudaGradientNorm final : public GradientNorm {
 public:
  Support supports(int64_t count) const override {
    return count <= INT32_MAX ? Support::yes() : Support::no("2^31 gradients or more are not supported");
  }
  size_t workspace_bytes(int64_t count) const override { return kernels::norm_workspace_bytes(count); }
  void run(Context& context, ConstTensorView grads, NormResult* result) const override {
    void* sums = workspace(context, workspace_bytes(grads.count()));
    launching(context, "gradient norm", grads.count(), [&] {
      kernels::gradient_norm(grads.count(), grads.as<float>(), result, sums, context.stream.handle);
    });
  }
};

}  // namespace

std::unique_ptr<Cast> make_cast() { return std::make_unique<CudaCast>(); }
std::unique_ptr<GradientNorm> make_gradient_norm() { return std::make_unique<CudaGradientNorm>(); }

}  // namespace gabor::cuda
