#include <initializer_list>

#include "kernels/common/dispatch.cuh"
#include "kernels/elementwise/dropout.cuh"
#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/functions.cuh"
#include "kernels/elementwise/loop.cuh"
#include "kernels/elementwise/normalize.cuh"

namespace gabor::kernels {
namespace {

LaunchConfig blocks_of(int64_t count, int64_t elements_a_block, int threads, Stream stream) {
  const int64_t blocks = simt::ceil_div(count, elements_a_block);
  if (blocks > 0x7fffffff) throw simt::Error("elementwise: too many elements for one launch");
  return grid_of(dim3(unsigned(blocks)), threads, stream);
}

bool aligned(std::initializer_list<const void*> pointers, size_t bytes) {
  for (const void* p : pointers)
    if (reinterpret_cast<uintptr_t>(p) % bytes != 0) return false;
  return true;
}

template <class F, class Element>
void apply(const F& f, const LoopParams<Element, F::kInputs>& g, Stream stream) {
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

// out = f(in...), all of type `storage`.
template <class F>
void apply(const F& f, int64_t count, Storage storage, const void* const (&in)[F::kInputs], void* out,
           Stream stream) {
  with_element(storage, [&]<class Element>(Element) {
    LoopParams<Element, F::kInputs> g{count, {}, static_cast<Element*>(out)};
    for (int i = 0; i < F::kInputs; ++i) g.in[i] = static_cast<const Element*>(in[i]);
    apply<F, Element>(f, g, stream);
  });
}

}  // namespace

void activation_forward(const ActivationProblem& p, Storage storage, const void* x, void* y, Stream stream) {
  apply(ActivationFunction{p.activation.kind, p.activation.alpha}, p.count, storage, {x}, y, stream);
}

void activation_backward(const ActivationProblem& p, Storage storage, const void* x_or_y, const void* dy,
                         void* dx, bool accumulate, Stream stream) {
  const auto [kind, alpha] = p.activation;
  if (accumulate) {
    apply(ActivationGradient<true>{kind, alpha}, p.count, storage, {x_or_y, dy, dx}, dx, stream);
  } else {
    apply(ActivationGradient<false>{kind, alpha}, p.count, storage, {x_or_y, dy}, dx, stream);
  }
}

void add(int64_t count, Storage storage, const void* a, const void* b, void* y, Stream stream) {
  apply(Sum{}, count, storage, {a, b}, y, stream);
}

void dropout(int64_t count, float rate, const DropoutKey& key, const StepValues* values, Storage storage,
             const void* x, void* y, bool accumulate, Stream stream) {
  if (count == 0) return;
  constexpr int64_t kMost = int64_t{4} << 32;  // the counter of a stream has 32 bits
  if (count > kMost || !(rate >= 0 && rate < 1))
    throw simt::Error("dropout: more than 2^34 elements, or rate");
  using Vector = LoopConfig<4>;
  using Scalar = LoopConfig<1>;
  const LaunchConfig config = blocks_of(count, 4 * Vector::kThreads, Vector::kThreads, stream);
  with_element(storage, [&]<class Element>(Element) {
    const DropoutParams<Element> g{
        count,  rate,       float(1 / (1 - double(rate))),  key,
        values, accumulate, static_cast<const Element*>(x), static_cast<Element*>(y)};
    launch(config,
           aligned({x, y}, 4 * sizeof(Element)) ? dropout_blocks<Vector, Element>
                                                : dropout_blocks<Scalar, Element>,
           g);
  });
}

void normalize(int64_t count, int C, const float (&scale)[4], const float (&shift)[4], const uint8_t* x,
               Storage storage, void* y, Stream stream) {
  if (count == 0) return;
  if (C < 1 || C > 4) throw simt::Error("normalize: 1 to 4 channels");
  using Vector = NormalizeConfig<4>;
  using Scalar = NormalizeConfig<1>;
  with_element(storage, [&]<class Element>(Element) {
    NormalizeParams<Element> g{count, unsigned(C), {}, {}, x, static_cast<Element*>(y)};
    for (int c = 0; c < 4; ++c) g.scale[c] = scale[c], g.shift[c] = shift[c];
    if (aligned({x}, 4) && aligned({y}, 4 * sizeof(Element))) {
      launch(blocks_of(count, Vector::kElements, Vector::kThreads, stream), normalize_bytes<Vector, Element>,
             g);
    } else {
      launch(blocks_of(count, Scalar::kElements, Scalar::kThreads, stream), normalize_bytes<Scalar, Element>,
             g);
    }
  });
}

}  // namespace gabor::kernels
