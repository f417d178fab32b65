#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/first_block/first_block.h"
#include "kernels/first_block/naive.cuh"
#include "kernels/first_block/tensor.h"

namespace gabor::kernels {
namespace {

using first_block::NaiveConfig;
using first_block::Params;

// The rung to run: the one asked for, if it takes the problem.
FirstBlockRung rung_for(const FirstBlockProblem& p, FirstBlockRung asked,
                        bool (*tiled_takes)(const FirstBlockProblem&),
                        bool (*tensor_takes)(const FirstBlockProblem&)) {
  const char* why = first_block_refuses(p);
  if (!why && asked == FirstBlockRung::automatic)
    return tiled_takes(p) ? FirstBlockRung::tiled : FirstBlockRung::naive;
  if (!why && asked == FirstBlockRung::tiled && !tiled_takes(p))
    why = "the tiled rung does not take its sizes";
  if (!why && asked == FirstBlockRung::tensor && !tensor_takes(p)) why = "the tensor rung does not take it";
  if (why) throw simt::Error(std::string("first_block: ") + why);
  return asked;
}

}  // namespace

const char* first_block_refuses(const FirstBlockProblem& p) {
  const Conv2dProblem& conv = p.conv;
  const Pool2dProblem& pool = p.pool;
  if (p.input != DType::u8 && p.input != DType::f32) return "the image is not u8 or f32";
  if (conv.C > 4) return "the image has more than 4 channels";
  if (conv.groups != 1) return "the convolution has groups";
  if (conv.activation.kind != ActivationKind::relu) return "the activation is not relu";
  if (pool.kind != PoolKind::max || pool.R != 2 || pool.S != 2 || pool.stride_h != 2 || pool.stride_w != 2 ||
      pool.pad != Padding{})
    return "the pooling is not max of 2x2 with stride 2 and no padding";
  if (pool.N != conv.N || pool.H != conv.P() || pool.W != conv.Q() || pool.C != conv.K)
    return "the pooling does not fit the convolution";
  if (pool.P() < 1 || pool.Q() < 1) return "the pooled map is empty";
  const int64_t extents[] = {conv.H + conv.pad.top + conv.pad.bottom + conv.stride_h,
                             conv.W + conv.pad.left + conv.pad.right + conv.stride_w, conv.K,
                             conv.R * conv.S * conv.C};
  if (*std::max_element(std::begin(extents), std::end(extents)) > first_block::kMost32)
    return "an extent does not fit in 32 bits";
  if (conv.N * pool.P() * pool.Q() * conv.K / NaiveConfig::kThreads > first_block::kMost32 ||
      conv.K * conv.R * conv.S * conv.C / NaiveConfig::kThreads > first_block::kMost32)
    return "too many results for one launch";
  return nullptr;
}

size_t first_block_argmax_bytes(const FirstBlockProblem& p) {
  return size_t(p.pool.P() * p.pool.Q() * ((p.conv.K + 1) / 2));
}

void first_block_forward(const FirstBlockProblem& p, Storage storage, const void* x, const void* w,
                         const float* b, void* y, uint8_t* argmax, Stream stream, FirstBlockRung rung,
                         int multiprocessors) {
  rung = rung_for(p, rung, first_block_tiled_forward_takes, first_block_tensor_forward_takes);
  if (rung == FirstBlockRung::tiled)
    return first_block::forward_tiled(p, storage, x, w, b, y, argmax, stream);
  if (rung == FirstBlockRung::tensor)
    return first_block::forward_tensor(p, storage, x, w, b, y, argmax, multiprocessors, stream);
  const Params params(p);
  with_element(storage, [&]<class Element>(Element) {
    launch(thread_each(params.N * params.P * params.Q * params.filter_pairs(), NaiveConfig::kThreads, stream),
           first_block::forward_naive<NaiveConfig, Element, float>, params, x, static_cast<const Element*>(w),
           b, static_cast<Element*>(y), argmax);
  });
}

size_t first_block_workspace_bytes(const FirstBlockProblem& p, int slices) {
  return size_t(slices) * size_t(p.conv.K) * size_t(p.conv.reduction() + 1) * sizeof(float);
}

void first_block_backward(const FirstBlockProblem& p, Storage storage, const void* x, const uint8_t* argmax,
                          const void* dy, float* dw, float* db, bool accumulate, int slices,
                          const JoinMemory& memory, Stream stream, FirstBlockRung rung) {
  rung = rung_for(p, rung, first_block_tiled_backward_takes, first_block_tensor_backward_takes);
  if (rung == FirstBlockRung::tiled)
    return first_block::backward_tiled(p, storage, x, argmax, dy, dw, db, accumulate, slices, memory, stream);
  if (rung == FirstBlockRung::tensor)
    return first_block::backward_tensor(p, storage, x, argmax, dy, dw, db, accumulate, slices, memory,
                                        stream);
  const Params params(p);
  const int64_t results = params.K * (int64_t{params.taps()} + (db ? 1 : 0));
  with_element(storage, [&]<class Element>(Element) {
    launch(thread_each(results, NaiveConfig::kThreads, stream),
           first_block::backward_naive<NaiveConfig, Element, float, Gradient>, params, x, argmax,
           static_cast<const Element*>(dy), Gradient{accumulate}, dw, db);
  });
}

}  // namespace gabor::kernels
