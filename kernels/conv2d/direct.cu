#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/conv2d/direct.cuh"
#include "kernels/conv2d/direct.h"

namespace gabor::kernels::conv2d {
namespace {

using Config = DirectConfig;
constexpr int kThreads = Config::kBlockThreads;

}  // namespace

void direct_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                  void* y, Stream stream) {
  with_element(storage, [&]<class Element>(Element) {
    launch(thread_each(p.N * p.P() * p.Q() * p.K, kThreads, stream),
           direct_fprop<Config, Element, float, BiasActivation>, DirectParams(p),
           static_cast<const Element*>(x), static_cast<const Element*>(w), BiasActivation{b, p.activation},
           static_cast<Element*>(y));
  });
}

void direct_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                  bool accumulate, Stream stream) {
  with_element(storage, [&]<class Element>(Element) {
    launch(thread_each(p.N * p.H * p.W * p.C, kThreads, stream),
           direct_dgrad<Config, Element, float, Gradient>, DirectParams(p), static_cast<const Element*>(dy),
           static_cast<const Element*>(w), Gradient{accumulate}, static_cast<Element*>(dx));
  });
}

void direct_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                  float* db, bool accumulate, Stream stream) {
  with_element(storage, [&]<class Element>(Element) {
    launch(thread_each(p.K * p.reduction(), kThreads, stream), direct_wgrad<Config, Element, float, Gradient>,
           DirectParams(p), static_cast<const Element*>(x), static_cast<const Element*>(dy),
           Gradient{accumulate}, dw);
    if (db)
      launch(thread_each(p.K, kThreads, stream), direct_bias_grad<Config, Element, float, Gradient>,
             DirectParams(p), static_cast<const Element*>(dy), Gradient{accumulate}, db);
  });
}

}  // namespace gabor::kernels::conv2d
