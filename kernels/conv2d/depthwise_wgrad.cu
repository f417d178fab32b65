#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/depthwise_tiles.cuh"
#include "kernels/conv2d/depthwise_wgrad.cuh"

namespace gabor::kernels::conv2d {
namespace {

template <class Config, class Element>
void run(const Conv2dProblem& p, const void* x, const void* dy, float* dw, float* db, bool accumulate,
         int slices, const JoinMemory& memory, Stream stream) {
  const DepthwiseWgradParams params(p, db != nullptr, slices, Config::kWorkers, Config::kSums);
  const FilterGradients gradients(p.K, p.R * p.S, slices, params.blocks, memory, dw, db, accumulate);
  launch(grid_of(dim3(unsigned(params.blocks), unsigned(slices)), Config::kBlockThreads, stream),
         depthwise_wgrad<Config, Element>, params, static_cast<const Element*>(x),
         static_cast<const Element*>(dy), gradients);
}

}  // namespace

int depthwise_wgrad_slices(const Conv2dProblem& p, int multiprocessors) {
  // Blocks for each multiprocessor: several, so that the last ones to finish leave little idle.
  constexpr int64_t kBlocksEach = 16;
  // Runs for each worker: fewer, and the end of a block costs more than its work.
  constexpr int64_t kLeastRuns = 8, kMostSlices = 1024;
  int64_t slices = 1;
  with_depthwise<DepthwiseWgradConfig>(p.C, p.K, p.S, p.stride_w, p.dil_w, [&]<class Config>(Config) {
    const DepthwiseWgradParams params(p, true, 1, Config::kWorkers, Config::kSums);
    const int64_t wanted = simt::ceil_div<int64_t>(kBlocksEach * multiprocessors, params.blocks);
    const int64_t useful = simt::ceil_div<int64_t>(params.runs.count, kLeastRuns * params.lines);
    slices = joinable_slices(params.blocks, std::min({wanted, useful, kMostSlices}));
  });
  return int(slices);
}

size_t depthwise_wgrad_workspace(const Conv2dProblem& p, int slices) {
  return size_t(slices) * size_t(p.K) * size_t(p.R * p.S + 1) * sizeof(float);
}

void depthwise_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                     float* db, bool accumulate, int slices, const JoinMemory& memory, Stream stream) {
  with_element(storage, [&]<class Element>(Element) {
    with_depthwise<DepthwiseWgradConfig>(p.C, p.K, p.S, p.stride_w, p.dil_w, [&]<class Config>(Config) {
      run<Config, Element>(p, x, dy, dw, db, accumulate, slices, memory, stream);
    });
  });
}

}  // namespace gabor::kernels::conv2d
