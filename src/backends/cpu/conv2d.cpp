// Convolution: who computes which problem (our direct kernels or oneDNN), activations, and GradMode.
#include <algorithm>

#include "backends/cpu/conv2d_direct.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/onednn.h"
#include "backends/cpu/ops.h"

namespace gabor::cpu {
namespace {

// Images that dgrad does at a time when it has to add to dx: oneDNN only overwrites, and a second dx for the
// whole batch would cost as much memory as the layer's input. A divisor of N, so that one plan serves all.
int64_t images_at_once(const Conv2dProblem& p) {
  constexpr int64_t kFloats = 1 << 20;
  int64_t images = std::clamp<int64_t>(kFloats / std::max<int64_t>(1, p.H * p.W * p.C), 1, p.N);
  while (p.N % images) images--;
  return images;
}
Conv2dProblem with_images(Conv2dProblem p, int64_t N) {
  p.N = N;
  return p;
}

class CpuConv2d final : public Conv2d {
 public:
  explicit CpuConv2d(Conv2dKernel pinned) : pinned_(pinned) {}

  Support supports(const Conv2dProblem& p, Pass pass) const override {
    if (pinned_ == Conv2dKernel::onednn && onednn_.implementation(p, pass).empty())
      return Support::no("oneDNN has no implementation for it");
    return Support::yes();  // what oneDNN refuses, the direct kernels do
  }

  std::string kernel(const Conv2dProblem& p, Pass pass) const override {
    return direct(p, pass) ? "direct" : "oneDNN " + onednn_.implementation(p, pass);
  }

  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    if (direct(p, pass)) return direct_workspace(p, pass);
    const size_t whole = onednn_.workspace_bytes(p, pass);
    if (pass == Pass::fprop) return whole;
    if (pass == Pass::wgrad) return aligned(whole) + aligned(filter_bytes(p)) + bias_bytes(p);
    const Conv2dProblem some = with_images(p, images_at_once(p));
    return std::max(whole, aligned(onednn_.workspace_bytes(some, pass)) + image_bytes(some));
  }

  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    const float *in = x.as<float>(), *filters = w.as<float>(), *bias = b.as<float>();
    float* out = y.as<float>();
    check_workspace(context, p, Pass::fprop);
    if (direct(p, Pass::fprop)) return direct_fprop(p, in, filters, bias, out, context.workspace);
    onednn_.fprop(p, in, filters, bias, out, context.workspace);
    // Not as oneDNN's epilogue: its ReLU turns NaN into 0, and a broken number must not be hidden.
    if (p.activation.kind != ActivationKind::none)
      chunks(p.y_shape().count(),
             [&](int64_t i, int64_t end) { activate(p.activation, out + i, out + i, end - i); });
  }

  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    const float *grad = dy.as<float>(), *filters = w.as<float>();
    float* to = dx.as<float>();
    check_workspace(context, p, Pass::dgrad);
    if (direct(p, Pass::dgrad))
      return direct_dgrad(p, grad, filters, to, mode == GradMode::accumulate, context.workspace);
    if (mode == GradMode::overwrite) return onednn_.dgrad(p, grad, filters, to, context.workspace);
    const Conv2dProblem some = with_images(p, images_at_once(p));
    const int64_t dx_count = some.x_shape().count(), dy_count = some.y_shape().count();
    auto* part = reinterpret_cast<float*>(static_cast<char*>(context.workspace) +
                                          aligned(onednn_.workspace_bytes(some, Pass::dgrad)));
    for (int64_t n = 0; n < p.N; n += some.N, grad += dy_count, to += dx_count) {
      onednn_.dgrad(some, grad, filters, part, context.workspace);
      chunks(dx_count, [&](int64_t i, int64_t end) { add(to + i, part + i, to + i, end - i); });
    }
  }

  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const float *in = x.as<float>(), *grad = dy.as<float>();
    float *filters = dw.as<float>(), *bias = db.as<float>();
    check_workspace(context, p, Pass::wgrad);
    if (direct(p, Pass::wgrad))
      return direct_wgrad(p, in, grad, filters, bias, mode == GradMode::accumulate, context.workspace);
    if (mode == GradMode::overwrite) return onednn_.wgrad(p, in, grad, filters, bias, context.workspace);
    char* after = static_cast<char*>(context.workspace) + aligned(onednn_.workspace_bytes(p, Pass::wgrad));
    auto* filter_sum = reinterpret_cast<float*>(after);
    auto* bias_sum = reinterpret_cast<float*>(after + aligned(filter_bytes(p)));
    onednn_.wgrad(p, in, grad, filter_sum, bias ? bias_sum : nullptr, context.workspace);
    chunks(p.w_shape().count(),
           [&](int64_t i, int64_t end) { add(filters + i, filter_sum + i, filters + i, end - i); });
    if (bias) add(bias, bias_sum, bias, p.K);
  }

 private:
  bool direct(const Conv2dProblem& p, Pass pass) const {
    if (pinned_ != Conv2dKernel::fastest) return pinned_ == Conv2dKernel::direct;
    if (direct_is_faster(p, pass)) return true;
    // "" is no implementation at all; "ref" is oneDNN's plain loop, slower than ours on any shape.
    const std::string& implementation = onednn_.implementation(p, pass);
    if (implementation.empty() || implementation.starts_with("ref")) return true;
    // Its way by a matrix product multiplies the padding too: an infinite dy would make NaN of taps it never
    // meets.
    return pass == Pass::wgrad && p.pad != Padding{} && implementation.find("gemm") != std::string::npos;
  }
  void check_workspace(const Context& context, const Conv2dProblem& p, Pass pass) const {
    GABOR_CHECK(context.workspace_bytes >= workspace_bytes(p, pass));
  }
  static size_t filter_bytes(const Conv2dProblem& p) { return size_t(p.w_shape().count()) * sizeof(float); }
  static size_t bias_bytes(const Conv2dProblem& p) { return size_t(p.K) * sizeof(float); }
  static size_t image_bytes(const Conv2dProblem& p) { return size_t(p.x_shape().count()) * sizeof(float); }

  Conv2dKernel pinned_;
  OneDnnConv2d onednn_;
};

}  // namespace

std::unique_ptr<Conv2d> make_conv2d(Conv2dKernel kernel) { return std::make_unique<CpuConv2d>(kernel); }

}  // namespace gabor::cpu
