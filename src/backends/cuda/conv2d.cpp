// Convolutions by the rungs of kernels/conv2d. f32 in FFMA: the rung on tensor cores rounds it to TF32, and is taken where
// that is asked for only. f16 and bf16 it takes as they are.
#include "backends/cuda/alignment.h"
#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"
#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/tensor_core.h"

namespace gabor::cuda {
namespace {

using namespace kernels::conv2d;

Conv2dPass of(Pass pass) {
  return pass == Pass::fprop   ? Conv2dPass::fprop
         : pass == Pass::dgrad ? Conv2dPass::dgrad
                               : Conv2dPass::wgrad;
}

class CudaConv2d final : public Conv2d, Stored {
 public:
  CudaConv2d(const Gpu& gpu, const Counters& counters, kernels::Storage storage,
             std::optional<Conv2dRung> pinned, bool tf32)
      : Stored(storage), gpu_(gpu), counters_(counters.data()), pinned_(pinned), tf32_(tf32) {}

  Support supports(const Conv2dProblem& p, Pass pass) const override {
    constexpr int64_t kMost = int64_t{1} << 39;  // of the direct kernel: results
    if (p.x_shape().count() >= kMost || p.y_shape().count() >= kMost)
      return Support::no("2^39 elements or more");
    if (tf32_) return tf32_supports(p, pass);
    if (!pinned_ || *pinned_ == Conv2dRung::direct) return Support::yes();
    if (*pinned_ == Conv2dRung::depthwise) {
      const char* why = depthwise_refuses(p);
      return why ? Support::no(why) : Support::yes();
    }
    return implicit_gemm_fits(p) ? Support::yes() : Support::no("indices beyond 32 bits");
  }

  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    if (pass != Pass::wgrad) return 0;
    switch (rung(p, pass)) {
      case Conv2dRung::direct:
        return 0;
      case Conv2dRung::implicit_gemm:
        return implicit_wgrad_workspace(p, implicit_wgrad_slices(p, gpu_.multiprocessors));
      case Conv2dRung::depthwise:
        return depthwise_wgrad_workspace(p, depthwise_wgrad_slices(p, gpu_.multiprocessors));
      case Conv2dRung::tensor:
        return tensor_wgrad_workspace(p, tensor_wgrad_slices(p, gpu_.multiprocessors));
    }
    return 0;
  }

  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    run(context, p, Pass::fprop, {x.data, w.data, y.data}, [&](Conv2dRung rung) {
      void* const stream = context.stream.handle;
      if (rung == Conv2dRung::tensor)
        return tensor_fprop(p, storage(), in(x), in(w), b.as<float>(), out(y), stream);
      auto* const launcher = rung == Conv2dRung::implicit_gemm ? implicit_fprop
                             : rung == Conv2dRung::depthwise   ? depthwise_fprop
                                                               : direct_fprop;
      launcher(p, storage(), in(x), in(w), b.as<float>(), out(y), stream);
    });
  }

  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    run(context, p, Pass::dgrad, {dy.data, w.data, dx.data}, [&](Conv2dRung rung) {
      const bool accumulate = mode == GradMode::accumulate;
      void* const stream = context.stream.handle;
      if (rung == Conv2dRung::tensor)
        return tensor_dgrad(p, storage(), in(dy), in(w), out(dx), accumulate, stream);
      auto* const launcher = rung == Conv2dRung::implicit_gemm ? implicit_dgrad
                             : rung == Conv2dRung::depthwise   ? depthwise_dgrad
                                                               : direct_dgrad;
      launcher(p, storage(), in(dy), in(w), out(dx), accumulate, stream);
    });
  }

  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const bool accumulate = mode == GradMode::accumulate;
    const kernels::JoinMemory memory{workspace(context, workspace_bytes(p, Pass::wgrad)), counters_};
    run(context, p, Pass::wgrad, {x.data, dy.data, dw.data, db.data}, [&](Conv2dRung rung) {
      float *filters = dw.as<float>(), *bias = db.as<float>();
      void* const stream = context.stream.handle;
      if (rung == Conv2dRung::implicit_gemm)
        implicit_wgrad(p, storage(), in(x), in(dy), filters, bias, accumulate,
                       implicit_wgrad_slices(p, gpu_.multiprocessors), memory, stream);
      else if (rung == Conv2dRung::depthwise)
        depthwise_wgrad(p, storage(), in(x), in(dy), filters, bias, accumulate,
                        depthwise_wgrad_slices(p, gpu_.multiprocessors), memory, stream);
      else if (rung == Conv2dRung::tensor)
        tensor_wgrad(p, storage(), in(x), in(dy), filters, bias, accumulate,
                     tensor_wgrad_slices(p, gpu_.multiprocessors), memory, stream);
      else
        direct_wgrad(p, storage(), in(x), in(dy), filters, bias, accumulate, stream);
    });
  }

 private:
  Support tf32_supports(const Conv2dProblem& p, Pass pass) const {
    if (gpu_.capability < kTensorCapability) return Support::no("needs sm_80 or newer");
    if (!implicit_gemm_fits(p)) return Support::no("indices beyond 32 bits");
    return rung(p, pass) == Conv2dRung::tensor ? Support::yes()
                                               : Support::no("depthwise: bound by memory, not by products");
  }
  Conv2dRung rung(const Conv2dProblem& p, Pass pass) const {
    if (pinned_) return *pinned_;
    return conv2d_rung(p, of(pass), storage(), gpu_.capability, gpu_.multiprocessors, tf32_);
  }

  // launch(the rung for the problem, or the direct one where a tensor is not aligned for it).
  template <class Launch>
  void run(Context& context, const Conv2dProblem& p, Pass pass, std::initializer_list<const void*> tensors,
           Launch&& launch) const {
    const Conv2dRung chosen = aligned_to_16(tensors) ? rung(p, pass) : Conv2dRung::direct;
    launching(
        context, name_of(pass), [&] { return "conv2d " + to_string(p); }, [&] { launch(chosen); });
  }

  Gpu gpu_;
  unsigned* counters_;
  std::optional<Conv2dRung> pinned_;
  bool tf32_;
};

}  // namespace

std::unique_ptr<Conv2d> make_conv2d(const Gpu& gpu, const Counters& counters, kernels::Storage storage,
                                    std::optional<Conv2dRung> pinned) {
  return std::make_unique<CudaConv2d>(gpu, counters, storage, pinned, false);
}
std::unique_ptr<Conv2d> make_tf32_conv2d(const Gpu& gpu, const Counters& counters) {
  return std::make_unique<CudaConv2d>(gpu, counters, kernels::Storage::f32, std::nullopt, true);
}

}  // namespace gabor::cuda
