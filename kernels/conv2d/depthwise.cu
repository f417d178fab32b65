#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/conv2d/depthwise.cuh"
#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/depthwise_dgrad.cuh"
#include "kernels/conv2d/depthwise_tiles.cuh"

namespace gabor::kernels::conv2d {
namespace {

// The gradient of a depthwise convolution of stride 1 is one too, over dy, by the filters turned round.
DepthwiseParams turned_sweep(const Conv2dProblem& p) {
  const auto axis = [](int64_t extent, int64_t taps, int64_t before, int64_t dilation, int64_t positions) {
    return SweepAxis{.positions = int32_t(extent),
                     .taps = int32_t(taps),
                     .step = 1,
                     .origin = int32_t(before - (taps - 1) * dilation),
                     .tap_step = int32_t(dilation),
                     .extent = int32_t(positions)};
  };
  return DepthwiseParams(axis(p.H, p.R, p.pad.top, p.dil_h, p.P()),
                         axis(p.W, p.S, p.pad.left, p.dil_w, p.Q()), p.N, p.K, p.C, true);
}

template <class Config, class Element, class Epilogue>
void sweep(const DepthwiseParams& params, const void* image, const void* w, Epilogue epilogue, void* out,
           Stream stream) {
  const int64_t blocks = params.channel_blocks * simt::ceil_div<int64_t>(params.runs.count, Config::kWorkers);
  launch(grid_of(dim3(unsigned(blocks)), Config::kBlockThreads, stream),
         depthwise_sweep<Config, Element, Epilogue>, params, static_cast<const Element*>(image),
         static_cast<const Element*>(w), epilogue, static_cast<Element*>(out));
}

template <class Config, class Element>
void gather(const Conv2dProblem& p, const void* dy, const void* w, Gradient epilogue, void* dx,
            Stream stream) {
  const DepthwiseDgradParams params(p);
  const int64_t blocks = params.channel_blocks * simt::ceil_div<int64_t>(params.runs.count, Config::kWorkers);
  launch(grid_of(dim3(unsigned(blocks)), Config::kBlockThreads, stream),
         depthwise_dgrad<Config, Element, Gradient>, params, static_cast<const Element*>(dy),
         static_cast<const Element*>(w), epilogue, static_cast<Element*>(dx));
}

}  // namespace

const char* depthwise_refuses(const Conv2dProblem& p) {
  using Config = DepthwiseConfig<1, 0, 0>;
  // A window may start a whole span before its image, and counts are rounded up to blocks: leave half of 2^31 free.
  constexpr int64_t kLimit = int64_t{1} << 30;
  if (p.groups != p.C) return "not depthwise: the groups are not the channels";
  if (p.S * (p.K / p.C) > Config::kStagedTaps) return "a row of a channel's filters is too wide";
  const int64_t span_h = p.H + p.pad.top + p.pad.bottom + (p.R + 1) * p.dil_h + p.stride_h;
  const int64_t span_w = p.W + p.pad.left + p.pad.right + (p.S + 1) * p.dil_w + p.stride_w;
  const int64_t runs = simt::ceil_div<int64_t>(std::max(p.W, p.Q()), Config::kOutputs);
  const int64_t channel_blocks = simt::ceil_div<int64_t>(p.K, Config::kBlockChannels);
  const int64_t rows = p.N * std::max(p.H, p.P());
  if (span_h >= kLimit || span_w >= kLimit || p.K >= kLimit || p.R * p.S * channel_blocks >= kLimit ||
      rows >= kLimit / runs / channel_blocks)
    return "too many rows, columns or channels for 32 bits";
  return nullptr;
}

void depthwise_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                     void* y, Stream stream) {
  const Sweep forward = forward_sweep(p);
  const DepthwiseParams params(forward.vertical, forward.horizontal, p.N, p.C, p.K, false);
  const auto with_epilogue = [&](auto f) {
    if (BiasTwoPieces::can(p.activation.kind)) return f(BiasTwoPieces::make(b, p.activation));
    return f(BiasActivation{b, p.activation});
  };
  with_element(storage, [&]<class Element>(Element) {
    with_epilogue([&](auto epilogue) {
      with_depthwise<DepthwiseConfig>(p.C, p.K, p.S, p.stride_w, p.dil_w, [&]<class Config>(Config) {
        sweep<Config, Element>(params, x, w, epilogue, y, stream);
      });
    });
  });
}

void depthwise_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                     bool accumulate, Stream stream) {
  const Gradient epilogue{accumulate};
  with_element(storage, [&]<class Element>(Element) {
    if (p.stride_h == 1 && p.stride_w == 1 && p.K == p.C)
      return with_depthwise<DepthwiseConfig>(p.C, p.K, p.S, 1, p.dil_w, [&]<class Config>(Config) {
        sweep<Config, Element>(turned_sweep(p), dy, w, epilogue, dx, stream);
      });
    if (p.K == p.C && p.C % kQuad == 0)
      return gather<DepthwiseConfig<kQuad, 0, 0>, Element>(p, dy, w, epilogue, dx, stream);
    gather<DepthwiseConfig<1, 0, 0>, Element>(p, dy, w, epilogue, dx, stream);
  });
}

}  // namespace gabor::kernels::conv2d
