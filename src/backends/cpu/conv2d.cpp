// Convolution: who computes which problem (our direct kernels or oneDNN), activations, and GradMode.
#include <algorithm>

#include "backends/cpu/conv2d_direct.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/onednn.h"
#include "backends/cpu/ops.h"
#include "ops/batch_chunks.h"

namespace gabor::cpu {
namespace {

// Images that dgrad does at a time when it has to add to dx: oneDNN only overwrites, and a second dx for the
// whole chunk would cost as much memory as the layer's input. A divisor of N, so that one plan serves all.
int64_t images_at_once(const Conv2dProblem& p) {
  constexpr int64_t kFloats = 1 << 20;
  int64_t images = std::clamp<int64_t>(kFloats / std::max<int64_t>(1, p.H * p.W * p.C), 1, p.N);
  while (p.N % images) images--;
  return images;
}

Conv2dProblem first_chunk(const Conv2dProblem& p) { return with_images(p, std::min(p.N, kBatchChunk)); }

// body(problem, first image) for all whole chunks of a batch together, then for the images that remain: oneDNN may have
// an implementation for the ones and none for the others, and who computes them must not depend on how many there are.
template <class Body>
void for_like_chunks(const Conv2dProblem& p, Body&& body) {
  const int64_t whole = p.N / kBatchChunk * kBatchChunk;
  if (whole > 0) body(with_images(p, whole), 0);
  if (whole < p.N) body(with_images(p, p.N - whole), whole);
}

class CpuConv2d final : public Conv2d {
 public:
  explicit CpuConv2d(Conv2dKernel pinned) : pinned_(pinned) {}

  Support supports(const Conv2dProblem& p, Pass pass) const override {
    bool all = true;
    if (pinned_ == Conv2dKernel::onednn)
      for_like_chunks(p, [&](const Conv2dProblem& part, int64_t) {
        all = all && !onednn_.implementation(first_chunk(part), pass).empty();
      });
    if (!all) return Support::no("oneDNN has no implementation for it");
    return Support::yes();  // what oneDNN refuses, the direct kernels do
  }

  std::string kernel(const Conv2dProblem& p, Pass pass) const override {
    return direct(p, pass) ? "direct" : "oneDNN " + onednn_.implementation(first_chunk(p), pass);
  }

  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    size_t bytes = 0;
    for_like_chunks(p, [&](const Conv2dProblem& part, int64_t) {
      bytes = std::max(bytes, direct(part, pass) ? direct_workspace(part, pass)
                                                 : onednn_workspace(first_chunk(part), pass));
    });
    return bytes;
  }

  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    const float *in = x.as<float>(), *filters = w.as<float>(), *bias = b.as<float>();
    float* out = y.as<float>();
    check_workspace(context, p, Pass::fprop);
    for_like_chunks(p, [&](const Conv2dProblem& part, int64_t first) {
      const float* from = in + first * x_floats(p);
      float* to = out + first * y_floats(p);
      if (direct(part, Pass::fprop)) return direct_fprop(part, from, filters, bias, to, context.workspace);
      onednn_fprop(part, from, filters, bias, to, context.workspace);
    });
  }

  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    const float *grad = dy.as<float>(), *filters = w.as<float>();
    float* out = dx.as<float>();
    check_workspace(context, p, Pass::dgrad);
    for_like_chunks(p, [&](const Conv2dProblem& part, int64_t first) {
      const float* from = grad + first * y_floats(p);
      float* to = out + first * x_floats(p);
      if (direct(part, Pass::dgrad))
        return direct_dgrad(part, from, filters, to, mode == GradMode::accumulate, context.workspace);
      onednn_dgrad(part, from, filters, to, mode, context.workspace);
    });
  }

  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const float *in = x.as<float>(), *grad = dy.as<float>();
    float *filters = dw.as<float>(), *bias = db.as<float>();
    check_workspace(context, p, Pass::wgrad);
    for_like_chunks(p, [&](const Conv2dProblem& part, int64_t first) {
      const float *from = in + first * x_floats(p), *from_dy = grad + first * y_floats(p);
      const GradMode part_mode = chunk_mode(first, mode);
      if (direct(part, Pass::wgrad))
        return direct_wgrad(part, from, from_dy, filters, bias, part_mode == GradMode::accumulate,
                            context.workspace);
      onednn_wgrad(part, from, from_dy, filters, bias, part_mode, context.workspace);
    });
  }

 private:
  // Of one chunk.
  size_t onednn_workspace(const Conv2dProblem& p, Pass pass) const {
    const size_t whole = onednn_.workspace_bytes(p, pass);
    if (pass == Pass::fprop) return whole;
    if (pass == Pass::wgrad) return aligned(whole) + aligned(filter_bytes(p)) + bias_bytes(p);
    const Conv2dProblem some = with_images(p, images_at_once(p));
    return std::max(whole, aligned(onednn_.workspace_bytes(some, pass)) + image_bytes(some));
  }

  void onednn_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                    void* workspace) const {
    for_batch_chunks(p, [&](const Conv2dProblem& chunk, int64_t first) {
      onednn_.fprop(chunk, x + first * x_floats(p), w, b, y + first * y_floats(p), workspace,
                    filters_after(first));
    });
    // Not as oneDNN's epilogue: its ReLU turns NaN into 0, and a broken number must not be hidden.
    if (p.activation.kind != ActivationKind::none)
      chunks(p.y_shape().count(),
             [&](int64_t i, int64_t end) { activate(p.activation, y + i, y + i, end - i); });
  }

  void onednn_dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx, GradMode mode,
                    void* workspace) const {
    for_batch_chunks(p, [&](const Conv2dProblem& chunk, int64_t first) {
      const float* from = dy + first * y_floats(p);
      float* to = dx + first * x_floats(p);
      if (mode == GradMode::overwrite)
        return onednn_.dgrad(chunk, from, w, to, workspace, filters_after(first));
      const Conv2dProblem some = with_images(chunk, images_at_once(chunk));
      const int64_t dx_count = some.x_shape().count(), dy_count = some.y_shape().count();
      auto* part = reinterpret_cast<float*>(static_cast<char*>(workspace) +
                                            aligned(onednn_.workspace_bytes(some, Pass::dgrad)));
      for (int64_t n = 0; n < chunk.N; n += some.N, from += dy_count, to += dx_count) {
        onednn_.dgrad(some, from, w, part, workspace, filters_after(first + n));
        chunks(dx_count, [&](int64_t i, int64_t end) { add(to + i, part + i, to + i, end - i); });
      }
    });
  }

  void onednn_wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw, float* db,
                    GradMode mode, void* workspace) const {
    for_batch_chunks(p, [&](const Conv2dProblem& chunk, int64_t first) {
      const float *from = x + first * x_floats(p), *from_dy = dy + first * y_floats(p);
      if (chunk_mode(first, mode) == GradMode::overwrite)
        return onednn_.wgrad(chunk, from, from_dy, dw, db, workspace);
      char* after = static_cast<char*>(workspace) + aligned(onednn_.workspace_bytes(chunk, Pass::wgrad));
      auto* dw_sum = reinterpret_cast<float*>(after);
      auto* db_sum = reinterpret_cast<float*>(after + aligned(filter_bytes(p)));
      onednn_.wgrad(chunk, from, from_dy, dw_sum, db ? db_sum : nullptr, workspace);
      chunks(p.w_shape().count(), [&](int64_t i, int64_t end) { add(dw + i, dw_sum + i, dw + i, end - i); });
      if (db) add(db, db_sum, db, p.K);
    });
  }

  // All calls for a part of for_like_chunks are of one problem (images_at_once divides a chunk).
  static Filters filters_after(int64_t images) { return images > 0 ? Filters::reordered : Filters::reorder; }
  // p: one chunk, or a part of for_like_chunks.
  bool direct(const Conv2dProblem& p, Pass pass) const {
    if (pinned_ != Conv2dKernel::fastest) return pinned_ == Conv2dKernel::direct;
    if (direct_is_faster(p, pass)) return true;
    // "" is no implementation at all; "ref" is oneDNN's plain loop, slower than ours on any shape.
    const std::string& implementation = onednn_.implementation(first_chunk(p), pass);
    if (implementation.empty() || implementation.starts_with("ref")) return true;
    // Its way by a matrix product multiplies the padding too: an infinite dy would make NaN of taps it never
    // meets.
    return pass == Pass::wgrad && p.pad != Padding{} && implementation.find("gemm") != std::string::npos;
  }
  void check_workspace(const Context& context, const Conv2dProblem& p, Pass pass) const {
    GABOR_CHECK(context.workspace_bytes >= workspace_bytes(p, pass));
  }
  static int64_t x_floats(const Conv2dProblem& p) { return p.H * p.W * p.C; }  // of an image
  static int64_t y_floats(const Conv2dProblem& p) { return p.P() * p.Q() * p.K; }
  static size_t filter_bytes(const Conv2dProblem& p) { return size_t(p.w_shape().count()) * sizeof(float); }
  static size_t bias_bytes(const Conv2dProblem& p) { return size_t(p.K) * sizeof(float); }
  static size_t image_bytes(const Conv2dProblem& p) { return size_t(p.x_shape().count()) * sizeof(float); }

  Conv2dKernel pinned_;
  OneDnnConv2d onednn_;
};

}  // namespace

std::unique_ptr<Conv2d> make_conv2d(Conv2dKernel kernel) { return std::make_unique<CpuConv2d>(kernel); }

}  // namespace gabor::cpu
