#include <initializer_list>

#include "kernels/elementwise/dropout.cuh"
#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/functions.cuh"
#include "kernels/elementwise/loop.cuh"
#include "kernels/elementwise/normalize.cuh"

namespace gabor::kernels {
namespace {

LaunchConfig blocks_of(int64_t count, int64_t elements_a_block, int threads, void* stream) {
  const int64_t blocks = simt::ceil_div(count, elements_a_block);
  if (blocks > 0x7fffffff) throw simt::Error("elementwise: too many elements for one launch");
  return {dim3(unsigned(blocks)), dim3(unsigned(threads)), 0,
          static_cast<decltype(LaunchConfig::stream)>(stream)};
}

bool aligned(std::initializer_list<const void*> pointers, size_t bytes) {
  for (const void* p : pointers)
    if (reinterpret_cast<uintptr_t>(p) % bytes != 0) return false;
  return true;
}

template <class F, class Element>
void apply(const F& f, const LoopParams<Element, F::kInputs>& g, void* stream) {
  if (g.count == 0) return;
  bool vector = aligned({g.out}, 4 * sizeof(Element));
  for (const Element* in : g.in) vector = vector && aligned({in}, 4 * sizeof(Element));
  if (vector) {
    using Config = LoopConfig<4>;
    launch(blocks_of(g.count, Config::kThreads * Config::kVector, Config::kThreads, stream),
           elementwise_loop<Config, F, Element>, f, g);
  } else {
    using Config = LoopConfig<1>;
    launch(blocks_of(g.count, Config::kThreads, Config::kThreads, stream),
           elementwise_loop<Config, F, Element>, f, g);
  }
}

}  // namespace

template <class Element>
void activation_forward(const ActivationProblem& p, const Element* x, Element* y, void* stream) {
  const ActivationFunction f{p.activation.kind, p.activation.alpha};
  apply<ActivationFunction, Element>(f, {p.count, {x}, y}, stream);
}

template <class Element>
void activation_backward(const ActivationProblem& p, const Element* x_or_y, const Element* dy, Element* dx,
                         bool accumulate, void* stream) {
  const auto [kind, alpha] = p.activation;
  if (accumulate) {
    apply<ActivationGradient<true>, Element>({kind, alpha}, {p.count, {x_or_y, dy, dx}, dx}, stream);
  } else {
    apply<ActivationGradient<false>, Element>({kind, alpha}, {p.count, {x_or_y, dy}, dx}, stream);
  }
}

template <class Element>
void add(int64_t count, const Element* a, const Element* b, Element* y, void* stream) {
  apply<Sum, Element>({}, {count, {a, b}, y}, stream);
}

template <class Element>
void dropout(int64_t count, float rate, const DropoutKey& key, const StepValues* values, const Element* x,
             Element* y, bool accumulate, void* stream) {
  if (count == 0) return;
  constexpr int64_t kMost = int64_t{4} << 32;  // the counter of a stream has 32 bits
  if (count > kMost || !(rate >= 0 && rate < 1))
    throw simt::Error("dropout: more than 2^34 elements, or rate");
  const DropoutParams<Element> g{count, rate, float(1 / (1 - double(rate))), key, values, accumulate, x, y};
  using Vector = LoopConfig<4>;
  using Scalar = LoopConfig<1>;
  const LaunchConfig config = blocks_of(count, 4 * Vector::kThreads, Vector::kThreads, stream);
  launch(config,
         aligned({x, y}, 4 * sizeof(Element)) ? dropout_blocks<Vector, Element>
                                              : dropout_blocks<Scalar, Element>,
         g);
}

void normalize(int64_t count, int C, const float (&scale)[4], const float (&shift)[4], const uint8_t* x,
               float* y, void* stream) {
  if (count == 0) return;
  if (C < 1 || C > 4) throw simt::Error("normalize: 1 to 4 channels");
  NormalizeParams g{count, unsigned(C), {}, {}, x, y};
  for (int c = 0; c < 4; ++c) g.scale[c] = scale[c], g.shift[c] = shift[c];
  using Vector = NormalizeConfig<4>;
  using Scalar = NormalizeConfig<1>;
  if (aligned({x}, 4) && aligned({y}, 16)) {
    launch(blocks_of(count, Vector::kElements, Vector::kThreads, stream), normalize_bytes<Vector>, g);
  } else {
    launch(blocks_of(count, Scalar::kElements, Scalar::kThreads, stream), normalize_bytes<Scalar>, g);
  }
}

#define GABOR_INSTANTIATE(Element)                                                                      \
  template void activation_forward<Element>(const ActivationProblem&, const Element*, Element*, void*); \
  template void activation_backward<Element>(const ActivationProblem&, const Element*, const Element*,  \
                                             Element*, bool, void*);                                    \
  template void add<Element>(int64_t, const Element*, const Element*, Element*, void*);                 \
  template void dropout<Element>(int64_t, float, const DropoutKey&, const StepValues*, const Element*,  \
                                 Element*, bool, void*);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(simt::half)
GABOR_INSTANTIATE(simt::bfloat16)
#undef GABOR_INSTANTIATE

}  // namespace gabor::kernels
