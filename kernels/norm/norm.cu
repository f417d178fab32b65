#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/norm/norm.cuh"

namespace gabor::kernels {
namespace {

using Naive = NormConfig<1, 1>;
using Vector = NormConfig<4, 4>;

template <class Config>
int64_t sum_blocks(int64_t count) {
  constexpr int64_t kElements = Config::kThreads * Config::kVector * Config::kLoads;
  return std::clamp<int64_t>(simt::ceil_div(count, kElements), 1, Config::kMostBlocks);
}

// Calls run(Config{}).
template <class Element, class Run>
void with_rung(int64_t count, const Element* g, NormRung rung, Run run) {
  if (count > 0x7fffffff) throw simt::Error("norm: 2^31 elements or more");
  const bool aligned = reinterpret_cast<uintptr_t>(g) % (Vector::kVector * sizeof(Element)) == 0;
  if (rung == NormRung::vector && !aligned)
    throw simt::Error("norm: the vector rung needs g aligned to 4 elements");
  if (aligned && rung != NormRung::naive) {
    run(Vector{});
  } else {
    run(Naive{});
  }
}

}  // namespace

size_t norm_workspace_bytes(int64_t count) {
  return size_t(std::max(sum_blocks<Naive>(count), sum_blocks<Vector>(count))) * sizeof(Squares);
}

template <class Element>
void gradient_norm(int64_t count, const Element* g, NormResult* result, void* workspace, void* stream,
                   NormRung rung) {
  with_rung(count, g, rung, [&](auto config) {
    using Config = decltype(config);
    const int64_t blocks = sum_blocks<Config>(count);
    auto* sums = static_cast<Squares*>(workspace);
    launch(grid_of(dim3(unsigned(blocks)), Config::kThreads, stream), sum_squares<Config, Element>, count, g,
           sums);
    launch(grid_of(dim3(1), Naive::kThreads, stream), finish_norm<Naive>, int(blocks), sums, result);
  });
}

template <class Element>
void scale_if(int64_t count, Element* g, const NormResult* result, float max_norm, void* stream,
              NormRung rung) {
  if (count == 0) return;
  with_rung(count, g, rung, [&](auto config) {
    using Config = decltype(config);
    const int64_t threads = simt::ceil_div(count, int64_t{Config::kVector});
    launch(thread_each(threads, Config::kThreads, stream), scale_elements<Config, Element>, count, g, result,
           max_norm);
  });
}

#define GABOR_INSTANTIATE(Element)                                                                    \
  template void gradient_norm<Element>(int64_t, const Element*, NormResult*, void*, void*, NormRung); \
  template void scale_if<Element>(int64_t, Element*, const NormResult*, float, void*, NormRung);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(simt::half)
GABOR_INSTANTIATE(simt::bfloat16)
#undef GABOR_INSTANTIATE

}  // namespace gabor::kernels
