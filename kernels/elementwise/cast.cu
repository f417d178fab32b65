#include "kernels/common/dispatch.cuh"
#include "kernels/elementwise/cast.cuh"
#include "kernels/elementwise/cast.h"

namespace gabor::kernels {
namespace {

template <class Config, class Element>
void launch_cast(int64_t count, const float* x, Element* y, Stream stream) {
  const int64_t threads = simt::ceil_div(count, int64_t{Config::kVector});
  if (simt::ceil_div(threads, int64_t{Config::kThreads}) > 0x7fffffff)
    throw simt::Error("cast: too many elements for one launch");
  launch(thread_each(threads, Config::kThreads, stream), cast_elements<Config, Element>, count, x, y);
}

}  // namespace

void cast(int64_t count, const float* x, Storage storage, void* y, Stream stream) {
  if (count == 0) return;
  with_element(storage, [&]<class Element>(Element) {
    auto* const to = static_cast<Element*>(y);
    using Vector = LoopConfig<4>;
    const bool vector = reinterpret_cast<uintptr_t>(x) % (Vector::kVector * sizeof(float)) == 0 &&
                        reinterpret_cast<uintptr_t>(y) % (Vector::kVector * sizeof(Element)) == 0;
    vector ? launch_cast<Vector>(count, x, to, stream) : launch_cast<LoopConfig<1>>(count, x, to, stream);
  });
}

}  // namespace gabor::kernels
