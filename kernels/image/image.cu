#include "kernels/common/dispatch.cuh"
#include "kernels/image/image.h"
#include "kernels/image/naive.cuh"
#include "kernels/image/vector.cuh"

namespace gabor::kernels {
namespace {

constexpr int64_t kMost32 = 0x7fffffff;

CropParams params_of(const CropProblem& p, const uint8_t* x, const Crop* crops) {
  constexpr int64_t kMostExtent = int64_t{1} << 30;
  if (p.C < 1 || p.C > 4) throw simt::Error("crop_normalize: 1 to 4 channels");
  for (int64_t extent : {p.H, p.W, p.P, p.Q})
    if (extent < 1 || extent >= kMostExtent)
      throw simt::Error("crop_normalize: an extent is not 1 to 2^30 - 1");
  CropParams g{p.N * p.P * p.Q * p.C, int(p.H), int(p.W), int(p.C), int(p.P), int(p.Q), {}, {}, x, crops};
  for (int c = 0; c < 4; ++c)
    g.scale[c] = p.normalize.scale[size_t(c)], g.shift[c] = p.normalize.shift[size_t(c)];
  return g;
}

}  // namespace

bool crop_normalize_vector_takes(const CropProblem& p) {
  constexpr int kVector = CropVectorConfig::kVector;
  return p.Q * p.C % kVector == 0 && p.N * p.P * (p.Q * p.C / kVector) <= kMost32;
}

template <class Element>
void crop_normalize(const CropProblem& p, const uint8_t* x, const Crop* crops, Element* y, void* stream,
                    ImageRung rung) {
  const CropParams g = params_of(p, x, crops);
  if (g.count == 0) return;
  const bool aligned = reinterpret_cast<uintptr_t>(y) % (CropVectorConfig::kVector * sizeof(Element)) == 0;
  const bool vector = crop_normalize_vector_takes(p) && aligned;
  if (rung == ImageRung::vector && !vector)
    throw simt::Error("crop_normalize: the vector rung does not take rows or pointers that are not in fours");
  if (rung != ImageRung::naive && vector) {
    using Config = CropVectorConfig;
    const CropVectorParams params(g);
    launch(thread_each(params.quads, Config::kThreads, stream), crop_normalize_vector<Config, Element>,
           params, y);
  } else {
    using Config = CropNaiveConfig;
    if (simt::ceil_div(g.count, int64_t{Config::kThreads}) > kMost32)
      throw simt::Error("crop_normalize: too many elements for one launch");
    launch(thread_each(g.count, Config::kThreads, stream), crop_normalize_naive<Config, Element>, g, y);
  }
}

#define GABOR_INSTANTIATE(Element)                                                                        \
  template void crop_normalize<Element>(const CropProblem&, const uint8_t*, const Crop*, Element*, void*, \
                                        ImageRung);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(simt::half)
GABOR_INSTANTIATE(simt::bfloat16)
#undef GABOR_INSTANTIATE

}  // namespace gabor::kernels
