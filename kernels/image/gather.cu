#include "kernels/common/dispatch.cuh"
#include "kernels/image/gather.h"
#include "kernels/image/gather_naive.cuh"
#include "kernels/image/gather_vector.cuh"

namespace gabor::kernels {
namespace {

constexpr int64_t kMost32 = 0x7fffffff;

GatherParams params_of(const GatherProblem& p, const uint8_t* x, const PictureRow* rows) {
  if (p.C < 1 || p.C > 4) throw simt::Error("gather: 1 to 4 channels");
  for (int64_t extent : {p.H, p.W})
    if (extent < 1 || extent > GatherProblem::kMostExtent)
      throw simt::Error("gather: a side is not 1 to 65535");
  return {p.N * p.H * p.W * p.C, int(p.H), int(p.W), int(p.C), x, rows};
}

}  // namespace

void gather(const GatherProblem& p, const uint8_t* x, const PictureRow* rows, uint8_t* y, void* stream,
            GatherRung rung) {
  const GatherParams g = params_of(p, x, rows);
  if (g.count == 0) return;
  const bool aligned = reinterpret_cast<uintptr_t>(y) % GatherVectorConfig::kVector == 0;
  const bool vector = aligned && g.count <= kMost32;
  if (rung == GatherRung::vector && !vector)
    throw simt::Error("gather: the vector rung does not take 2^31 bytes or a pointer that is not aligned");
  if (rung != GatherRung::naive && vector) {
    using Config = GatherVectorConfig;
    const GatherVectorParams params(g);
    launch(thread_each(params.vectors, Config::kThreads, stream), gather_vector<Config>, params, y);
  } else {
    using Config = GatherNaiveConfig;
    if (simt::ceil_div(g.count, int64_t{Config::kThreads}) > kMost32)
      throw simt::Error("gather: too many bytes for one launch");
    launch(thread_each(g.count, Config::kThreads, stream), gather_naive<Config>, g, y);
  }
}

}  // namespace gabor::kernels
