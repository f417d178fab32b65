// Dense layers by the matrix products of kernels/gemm. f32 in FFMA, unless TF32 is asked for, to which tensor cores round the
// operands; f16 and bf16 by tensor cores where there are any.
#include <algorithm>

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"
#include "kernels/common/storage.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"

namespace gabor::cuda {
namespace {

gemm::Pass of(Pass pass) {
  return pass == Pass::fprop   ? gemm::Pass::fprop
         : pass == Pass::dgrad ? gemm::Pass::dgrad
                               : gemm::Pass::wgrad;
}

class CudaDense final : public Dense, Stored {
 public:
  CudaDense(const Gpu& gpu, const Counters& counters, kernels::Storage storage, bool tf32)
      : Stored(storage), gpu_{gpu.capability, gpu.multiprocessors}, counters_(counters.data()), tf32_(tf32) {}

  Support supports(const DenseProblem& p, Pass pass) const override {
    // Indices of a row are 32 bits, and run past its end by a tile for each split.
    constexpr int64_t kMost = (int64_t{1} << 31) - gemm::kMaxSplits * 1024 - 1;
    if (std::max({p.N, p.C, p.K}) > kMost) return Support::no("N, C or K near 2^31");
    if (!tf32_) return Support::yes();
    if (gpu_.capability < kTensorCapability) return Support::no("needs sm_80 or newer");
    const gemm::Rung rung = plan(p, pass).rung;
    return rung == gemm::Rung::tensor_64 || rung == gemm::Rung::tensor_128
               ? Support::yes()
               : Support::no("few outputs: bound by memory, not by products");
  }
  size_t workspace_bytes(const DenseProblem& p, Pass pass) const override {
    return gemm::workspace_bytes(p, of(pass), plan(p, pass));
  }

  void fprop(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    // The products' epilogue knows ReLU; other functions are a pass of their own over y, which is small.
    DenseProblem product = p;
    const bool apart = !none_or_relu(p.activation);
    if (apart) product.activation = {};
    const gemm::Plan chosen = plan(p, Pass::fprop);
    run(context, p, name_of(Pass::fprop), workspace_bytes(p, Pass::fprop), [&](const auto& memory) {
      gemm::fprop(chosen, product, storage(), in(x), in(w), b.as<float>(), out(y), memory,
                  context.stream.handle);
      if (apart)
        kernels::activation_forward({p.N * p.K, p.activation}, storage(), out(y), out(y),
                                    context.stream.handle);
    });
  }

  void dgrad(Context& context, const DenseProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    const gemm::Plan chosen = plan(p, Pass::dgrad);
    run(context, p, name_of(Pass::dgrad), workspace_bytes(p, Pass::dgrad), [&](const auto& memory) {
      gemm::dgrad(chosen, p, storage(), in(dy), in(w), out(dx), mode == GradMode::accumulate, memory,
                  context.stream.handle);
    });
  }

  void wgrad(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const gemm::Plan chosen = plan(p, Pass::wgrad);
    run(context, p, name_of(Pass::wgrad), workspace_bytes(p, Pass::wgrad), [&](const auto& memory) {
      gemm::wgrad(chosen, p, storage(), in(x), in(dy), dw.as<float>(), db.as<float>(),
                  mode == GradMode::accumulate, memory, context.stream.handle);
    });
  }

  bool through_activation(const DenseProblem& p) const override {
    return p.activation.kind == ActivationKind::relu &&
           gemm::backward_takes_relu(p, plan(p, Pass::dgrad), plan(p, Pass::wgrad));
  }
  size_t backward_workspace_bytes(const DenseProblem& p) const override {
    return gemm::backward_workspace_bytes(p, plan(p, Pass::dgrad), plan(p, Pass::wgrad));
  }
  void backward(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView w,
                ConstTensorView y, ConstTensorView dy, TensorView dx, GradMode dx_mode, TensorView dw,
                TensorView db, GradMode dw_mode) const override {
    const gemm::Backward both{.dgrad = plan(p, Pass::dgrad),
                              .wgrad = plan(p, Pass::wgrad),
                              .x = in(x),
                              .w = in(w),
                              .dy = in(dy),
                              .y = in(y),
                              .dx = out(dx),
                              .dw = dw.as<float>(),
                              .db = db.as<float>(),
                              .accumulate_dx = dx_mode == GradMode::accumulate,
                              .accumulate_dw = dw_mode == GradMode::accumulate};
    run(context, p, "backward", backward_workspace_bytes(p),
        [&](const auto& memory) { gemm::backward(both, p, storage(), memory, context.stream.handle); });
  }

 private:
  gemm::Plan plan(const DenseProblem& p, Pass pass) const {
    return gemm::choose(p, of(pass), storage(), tf32_, gpu_);
  }

  template <class F>
  void run(Context& context, const DenseProblem& p, const char* what, size_t bytes, F&& f) const {
    const gemm::JoinMemory memory{workspace(context, bytes), counters_};
    launching(
        context, what, [&] { return "dense " + to_string(p); }, [&] { f(memory); });
  }

  gemm::Gpu gpu_;
  unsigned* counters_;
  bool tf32_;
};

}  // namespace

std::unique_ptr<Dense> make_dense(const Gpu& gpu, const Counters& counters, kernels::Storage storage) {
  return std::make_unique<CudaDense>(gpu, counters, storage, false);
}
std::unique_ptr<Dense> make_tf32_dense(const Gpu& gpu, const Counters& counters) {
  return std::make_unique<CudaDense>(gpu, counters, kernels::Storage::f32, true);
}

}  // namespace gabor::cuda
