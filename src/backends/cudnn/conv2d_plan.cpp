#include "backends/cudnn/conv2d_plan.h"

#include "core/error.h"
#include "core/text.h"

namespace gabor::cudnn {
namespace {

bool is_uneven(const Conv2dProblem& p) { return p.pad.top != p.pad.bottom || p.pad.left != p.pad.right; }

TensorExtent image_of(const Conv2dProblem& p) {
  if (!is_uneven(p)) return {p.N, p.H, p.W, p.C};
  return {p.N, p.H + p.pad.top + p.pad.bottom, p.W + p.pad.left + p.pad.right, p.C};
}

// x inside its padding.
TensorExtent inner_of(const Conv2dProblem& p) {
  const TensorExtent outer = image_of(p);
  return {p.N, p.H, p.W, p.C, outer.W * p.C, outer.H * outer.W * p.C};
}

int64_t first_pixel(const Conv2dProblem& p) { return (p.pad.top * image_of(p).W + p.pad.left) * p.C; }

Convolution make_convolution(const Session& session, const Conv2dProblem& p) {
  const CudnnApi& api = session.dnn();
  Convolution c(api.CreateConvolutionDescriptor, api.DestroyConvolutionDescriptor, api,
                "CreateConvolutionDescriptor");
  const bool uneven = is_uneven(p);
  api.check(api.SetConvolution2dDescriptor(c.get(), uneven ? 0 : int(p.pad.top), uneven ? 0 : int(p.pad.left),
                                           int(p.stride_h), int(p.stride_w), int(p.dil_h), int(p.dil_w),
                                           CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
            "SetConvolution2dDescriptor");
  api.check(api.SetConvolutionGroupCount(c.get(), int(p.groups)), "SetConvolutionGroupCount");
  api.check(
      api.SetConvolutionMathType(c.get(), session.options().allow_tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH),
      "SetConvolutionMathType");
  return c;
}

}  // namespace

Conv2dPlan::Conv2dPlan(const Session& session, cudnnHandle_t handle, const Conv2dProblem& p, Pass pass)
    : problem_(p),
      pass_(pass),
      uneven_(is_uneven(p)),
      image_(image_of(p)),
      x_(make_tensor(session.dnn(), image_)),
      y_(make_tensor(session.dnn(), {p.N, p.P(), p.Q(), p.K})),
      bias_(make_tensor(session.dnn(), {1, 1, 1, p.K})),
      dense_x_(make_tensor(session.dnn(), {p.N, p.H, p.W, p.C})),
      inner_(make_tensor(session.dnn(), inner_of(p))),
      w_(make_filter(session.dnn(), p.K, p.R, p.S, p.C / p.groups)),
      convolution_(make_convolution(session, p)),
      padded_bytes_(uneven_ ? aligned(size_t(image_.N * image_.H * image_.W * image_.C) * sizeof(float))
                            : 0) {
  if (pass == Pass::fprop && p.activation.kind != ActivationKind::none)
    activation_.emplace(make_activation_function(session.dnn(), p.activation.kind));
  choose(session, handle);
}

template <class Performance, class Get>
int Conv2dPlan::choose_from(const Session& session, const char* function, Get get) {
  constexpr int kMost = 16;  // cuDNN has at most 8 algorithms a pass, some twice (by math type)
  Performance list[kMost];
  int count = 0;
  session.dnn().check(get(kMost, &count, list), function);
  const size_t cap = session.options().workspace_cap;
  const size_t left = cap > padded_bytes_ ? cap - padded_bytes_ : 0;
  for (int i = 0; i < count; i++) {
    const bool math = session.options().allow_tf32 || list[i].mathType == CUDNN_FMA_MATH ||
                      list[i].mathType == CUDNN_DEFAULT_MATH;
    if (list[i].status != CUDNN_STATUS_SUCCESS || list[i].determinism != CUDNN_DETERMINISTIC || !math ||
        list[i].memory > left)
      continue;
    algorithm_bytes_ = list[i].memory;
    return int(list[i].algo);
  }
  fail(ErrorCode::device, "cuDNN", "no deterministic algorithm of {} for {} {} within {} of workspace", count,
       name_of(pass_), to_string(problem_), human_bytes(double(cap)));
}

void Conv2dPlan::choose(const Session& session, cudnnHandle_t handle) {
  const CudnnApi& api = session.dnn();
  switch (pass_) {
    case Pass::fprop:
      algorithm_ = choose_from<cudnnConvolutionFwdAlgoPerf_t>(
          session, "GetConvolutionForwardAlgorithm_v7", [&](int most, int* count, auto* list) {
            return api.GetConvolutionForwardAlgorithm_v7(handle, x_.get(), w_.get(), convolution_.get(),
                                                         y_.get(), most, count, list);
          });
      return;
    case Pass::dgrad:
      algorithm_ = choose_from<cudnnConvolutionBwdDataAlgoPerf_t>(
          session, "GetConvolutionBackwardDataAlgorithm_v7", [&](int most, int* count, auto* list) {
            return api.GetConvolutionBackwardDataAlgorithm_v7(handle, w_.get(), y_.get(), convolution_.get(),
                                                              x_.get(), most, count, list);
          });
      return;
    case Pass::wgrad:
      algorithm_ = choose_from<cudnnConvolutionBwdFilterAlgoPerf_t>(
          session, "GetConvolutionBackwardFilterAlgorithm_v7", [&](int most, int* count, auto* list) {
            return api.GetConvolutionBackwardFilterAlgorithm_v7(
                handle, x_.get(), y_.get(), convolution_.get(), w_.get(), most, count, list);
          });
  }
}

const float* Conv2dPlan::padded_input(const Session& session, cudnnHandle_t handle, const Context& context,
                                      const float* x) const {
  if (!uneven_) return x;
  const CudnnApi& api = session.dnn();
  auto* image = static_cast<float*>(context.workspace);
  api.check(api.SetTensor(handle, x_.get(), image, &kZero), "SetTensor");
  api.check(api.TransformTensor(handle, &kOne, dense_x_.get(), x, &kZero, inner_.get(),
                                image + first_pixel(problem_)),
            "TransformTensor");
  return image;
}

void Conv2dPlan::fprop(const Session& session, Context& context, const float* x, const float* w,
                       const float* b, float* y) const {
  const CudnnApi& api = session.dnn();
  cudnnHandle_t handle = session.dnn(context);
  const float* in = padded_input(session, handle, context, x);
  api.check(api.ConvolutionForward(handle, &kOne, x_.get(), in, w_.get(), w, convolution_.get(),
                                   cudnnConvolutionFwdAlgo_t(algorithm_),
                                   static_cast<char*>(context.workspace) + padded_bytes_, algorithm_bytes_,
                                   &kZero, y_.get(), y),
            "ConvolutionForward");
  if (b) api.check(api.AddTensor(handle, &kOne, bias_.get(), b, &kOne, y_.get(), y), "AddTensor");
  if (activation_)
    api.check(api.ActivationForward(handle, activation_->get(), &kOne, y_.get(), y, &kZero, y_.get(), y),
              "ActivationForward");
}

void Conv2dPlan::dgrad(const Session& session, Context& context, const float* dy, const float* w, float* dx,
                       GradMode mode) const {
  const CudnnApi& api = session.dnn();
  cudnnHandle_t handle = session.dnn(context);
  auto* image = uneven_ ? static_cast<float*>(context.workspace) : dx;
  api.check(api.ConvolutionBackwardData(handle, &kOne, w_.get(), w, y_.get(), dy, convolution_.get(),
                                        cudnnConvolutionBwdDataAlgo_t(algorithm_),
                                        static_cast<char*>(context.workspace) + padded_bytes_,
                                        algorithm_bytes_, uneven_ ? &kZero : beta_of(mode), x_.get(), image),
            "ConvolutionBackwardData");
  if (uneven_)
    api.check(api.TransformTensor(handle, &kOne, inner_.get(), image + first_pixel(problem_), beta_of(mode),
                                  dense_x_.get(), dx),
              "TransformTensor");
}

void Conv2dPlan::wgrad(const Session& session, Context& context, const float* x, const float* dy, float* dw,
                       float* db, GradMode mode) const {
  const CudnnApi& api = session.dnn();
  cudnnHandle_t handle = session.dnn(context);
  const float* in = padded_input(session, handle, context, x);
  api.check(api.ConvolutionBackwardFilter(handle, &kOne, x_.get(), in, y_.get(), dy, convolution_.get(),
                                          cudnnConvolutionBwdFilterAlgo_t(algorithm_),
                                          static_cast<char*>(context.workspace) + padded_bytes_,
                                          algorithm_bytes_, beta_of(mode), w_.get(), dw),
            "ConvolutionBackwardFilter");
  if (db)
    api.check(api.ConvolutionBackwardBias(handle, &kOne, y_.get(), dy, beta_of(mode), bias_.get(), db),
              "ConvolutionBackwardBias");
}

}  // namespace gabor::cudnn
