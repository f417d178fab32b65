#include "backends/cudnn/legacy_conv2d.h"

#include "core/error.h"
#include "core/text.h"

namespace gabor::cudnn {
namespace {

// By the values of cudnnConvolutionFwdAlgo_t and its two sisters.
constexpr const char* kFprop[] = {
    "IMPLICIT_GEMM", "IMPLICIT_PRECOMP_GEMM", "GEMM", "DIRECT", "FFT", "FFT_TILING",
    "WINOGRAD",      "WINOGRAD_NONFUSED"};
constexpr const char* kDgrad[] = {"ALGO_0", "ALGO_1", "FFT", "FFT_TILING", "WINOGRAD", "WINOGRAD_NONFUSED"};
constexpr const char* kWgrad[] = {"ALGO_0",    "ALGO_1", "FFT", "ALGO_3", "WINOGRAD", "WINOGRAD_NONFUSED",
                                  "FFT_TILING"};

std::string algorithm_name(Pass pass, int algorithm) {
  const auto name = [&](const auto& names) -> std::string {
    return algorithm < int(std::size(names)) ? names[algorithm] : fmt::format("algorithm {}", algorithm);
  };
  return pass == Pass::fprop ? name(kFprop) : pass == Pass::dgrad ? name(kDgrad) : name(kWgrad);
}

Convolution make_convolution(const Session& session, const Conv2dProblem& p) {
  const CudnnApi& api = session.dnn();
  Convolution c(api.CreateConvolutionDescriptor, api.DestroyConvolutionDescriptor, api,
                "CreateConvolutionDescriptor");
  api.check(api.SetConvolution2dDescriptor(c.get(), int(p.pad.top), int(p.pad.left), int(p.stride_h),
                                           int(p.stride_w), int(p.dil_h), int(p.dil_w),
                                           CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
            "SetConvolution2dDescriptor");
  api.check(api.SetConvolutionGroupCount(c.get(), int(p.groups)), "SetConvolutionGroupCount");
  api.check(
      api.SetConvolutionMathType(c.get(), session.options().allow_tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH),
      "SetConvolutionMathType");
  return c;
}

// The first algorithm that get(most, count, list) names and that is allowed. An FFT is not: its errors are beyond any bound
// on a single sum.
template <class Performance, class Get>
Performance choose_from(const Session& session, Pass pass, const char* function, size_t cap, Get get) {
  constexpr int kMost = 16;  // cuDNN has at most 8 algorithms a pass, some twice (by math type)
  Performance list[kMost];
  int count = 0;
  session.dnn().check(get(kMost, &count, list), function);
  for (int i = 0; i < count; i++) {
    const bool math = session.options().allow_tf32 || list[i].mathType == CUDNN_FMA_MATH ||
                      list[i].mathType == CUDNN_DEFAULT_MATH;
    const bool fft = algorithm_name(pass, int(list[i].algo)).starts_with("FFT");
    if (list[i].status == CUDNN_STATUS_SUCCESS && list[i].determinism == CUDNN_DETERMINISTIC && math &&
        !fft && list[i].memory <= cap)
      return list[i];
  }
  fail(ErrorCode::device, "cuDNN", "none of {} algorithms is deterministic, no FFT and needs at most {}",
       count, human_bytes(double(cap)));
}

}  // namespace

LegacyConv2d::LegacyConv2d(const Session& session, cudnnHandle_t handle, const Conv2dProblem& p, Pass pass,
                           bool nchw, size_t workspace_cap)
    : pass_(pass),
      x_(make_tensor(session.dnn(), {.N = p.N, .H = p.H, .W = p.W, .C = p.C, .nchw = nchw})),
      y_(make_tensor(session.dnn(), {.N = p.N, .H = p.P(), .W = p.Q(), .C = p.K, .nchw = nchw})),
      w_(make_filter(session.dnn(), {.N = p.K, .H = p.R, .W = p.S, .C = p.C / p.groups, .nchw = nchw})),
      convolution_(make_convolution(session, p)) {
  choose(session, handle, workspace_cap);
}

void LegacyConv2d::choose(const Session& session, cudnnHandle_t handle, size_t cap) {
  const CudnnApi& api = session.dnn();
  const auto take = [&](const auto& performance) {
    algorithm_ = int(performance.algo);
    workspace_bytes_ = performance.memory;
  };
  switch (pass_) {
    case Pass::fprop:
      return take(choose_from<cudnnConvolutionFwdAlgoPerf_t>(
          session, pass_, "GetConvolutionForwardAlgorithm_v7", cap, [&](int most, int* count, auto* list) {
            return api.GetConvolutionForwardAlgorithm_v7(handle, x_.get(), w_.get(), convolution_.get(),
                                                         y_.get(), most, count, list);
          }));
    case Pass::dgrad:
      return take(choose_from<cudnnConvolutionBwdDataAlgoPerf_t>(
          session, pass_, "GetConvolutionBackwardDataAlgorithm_v7", cap,
          [&](int most, int* count, auto* list) {
            return api.GetConvolutionBackwardDataAlgorithm_v7(handle, w_.get(), y_.get(), convolution_.get(),
                                                              x_.get(), most, count, list);
          }));
    case Pass::wgrad:
      return take(choose_from<cudnnConvolutionBwdFilterAlgoPerf_t>(
          session, pass_, "GetConvolutionBackwardFilterAlgorithm_v7", cap,
          [&](int most, int* count, auto* list) {
            return api.GetConvolutionBackwardFilterAlgorithm_v7(
                handle, x_.get(), y_.get(), convolution_.get(), w_.get(), most, count, list);
          }));
  }
}

std::string LegacyConv2d::kernel() const { return "legacy: " + algorithm_name(pass_, algorithm_); }

void LegacyConv2d::run(const CudnnApi& api, cudnnHandle_t handle, const ConvOperands& o, const float* beta,
                       void* workspace) const {
  switch (pass_) {
    case Pass::fprop:
      return api.check(api.ConvolutionForward(handle, &kOne, x_.get(), o.x, w_.get(), o.w, convolution_.get(),
                                              cudnnConvolutionFwdAlgo_t(algorithm_), workspace,
                                              workspace_bytes_, beta, y_.get(), o.y),
                       "ConvolutionForward");
    case Pass::dgrad:
      return api.check(
          api.ConvolutionBackwardData(handle, &kOne, w_.get(), o.w, y_.get(), o.y, convolution_.get(),
                                      cudnnConvolutionBwdDataAlgo_t(algorithm_), workspace, workspace_bytes_,
                                      beta, x_.get(), o.x),
          "ConvolutionBackwardData");
    case Pass::wgrad:
      return api.check(
          api.ConvolutionBackwardFilter(handle, &kOne, x_.get(), o.x, y_.get(), o.y, convolution_.get(),
                                        cudnnConvolutionBwdFilterAlgo_t(algorithm_), workspace,
                                        workspace_bytes_, beta, w_.get(), o.w),
          "ConvolutionBackwardFilter");
  }
}

}  // namespace gabor::cudnn
