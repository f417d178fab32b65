#include "kernels/common/dispatch.cuh"
#include "kernels/pool2d/global.cuh"
#include "kernels/pool2d/naive.cuh"
#include "kernels/pool2d/pool2d.h"
#include "kernels/pool2d/vector.cuh"

namespace gabor::kernels {
namespace {

constexpr int64_t kMost32 = 0x7fffffff;

// Calls body with the kind as a constant.
template <class Body>
void with_kind(PoolKind kind, Body&& body) {
  if (kind == PoolKind::max) body(std::integral_constant<PoolKind, PoolKind::max>{});
  if (kind == PoolKind::average) body(std::integral_constant<PoolKind, PoolKind::average>{});
  if (kind == PoolKind::l2) body(std::integral_constant<PoolKind, PoolKind::l2>{});
}

LaunchConfig one_thread_each(int64_t items, int threads, Stream stream) {
  const int64_t blocks = simt::ceil_div(items, int64_t(threads));
  if (blocks > kMost32) throw simt::Error("pool2d: too many elements for one launch");
  return grid_of(dim3(unsigned(blocks)), threads, stream);
}

bool aligned(const void* p, size_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

// Whether 4 neighbouring channels can be moved at once.
template <class Element>
bool in_packs(const PoolParams& g, const Element* x, const Element* y, const Element* dy, const Element* dx,
              const void* argmax) {
  bool packs = g.C % 4 == 0 && aligned(argmax, g.wide_argmax ? 16 : 4);
  for (const Element* tensor : {x, y, dy, dx}) packs = packs && aligned(tensor, 4 * sizeof(Element));
  return packs;
}

// Channels a thread of the vector rung takes: 0 if the rung is not for this problem.
template <class Element>
int vector_width(const PoolParams& g, bool packs) {
  if (g.inputs > kMost32 || g.outputs > kMost32) return 0;
  return packs ? 4 : sizeof(Element) == 4 ? 1 : 0;
}

// Pixels of a map from which on the global rung has work for its warps.
bool global_is_faster(const Pool2dProblem& p) {
  constexpr int64_t kWorthABlock = 32;
  return pool2d_global_takes(p) && p.R * p.S >= kWorthABlock;
}

PoolRung chosen(const Pool2dProblem& p, PoolRung asked, int vector_width) {
  if (asked != PoolRung::automatic) return asked;
  return global_is_faster(p) ? PoolRung::global : vector_width > 0 ? PoolRung::vector : PoolRung::naive;
}

void refuse(bool taken, const char* why) {
  if (!taken) throw simt::Error(std::string("pool2d: the rung does not take this problem: ") + why);
}

template <class Element>
void forward(const Pool2dProblem& p, const Element* x, Element* y, void* argmax, Stream stream,
             PoolRung rung) {
  const PoolParams g = pool_params(p, false);
  if (g.outputs == 0) return;
  const int width = vector_width<Element>(g, in_packs<Element>(g, x, y, nullptr, nullptr, argmax));
  rung = chosen(p, rung, width);
  with_kind(p.kind, [&](auto kind) {
    if (rung == PoolRung::naive) {
      using Config = PoolNaiveConfig;
      launch(one_thread_each(g.outputs, Config::kThreads, stream),
             pool2d_forward_naive<Config, kind(), Element>, g, x, y, argmax);
    } else if (rung == PoolRung::global) {
      using Config = PoolGlobalConfig;
      refuse(pool2d_global_takes(p), "the window is not the map");
      launch(one_thread_each(p.N * simt::ceil_div(p.C, int64_t{32}) * Config::kThreads, Config::kThreads,
                             stream),
             pool2d_forward_global<Config, kind(), Element>, g, x, y, argmax);
    } else if (width == 4) {
      using Config = PoolVectorConfig<4>;
      launch(one_thread_each(g.outputs / 4, Config::kThreads, stream),
             pool2d_forward_vector<Config, kind(), Element>, g, x, y, argmax);
    } else if constexpr (sizeof(Element) == 4) {
      using Config = PoolVectorConfig<1>;
      refuse(width == 1, "2^31 elements or more");
      launch(one_thread_each(g.outputs, Config::kThreads, stream),
             pool2d_forward_vector<Config, kind(), Element>, g, x, y, argmax);
    } else {
      refuse(false, "halves that are not in packs of 4 channels, or 2^31 elements or more");
    }
  });
}

template <class Element>
void backward(const Pool2dProblem& p, const Element* x, const Element* y, const void* argmax,
              const Element* dy, Element* dx, bool accumulate, Stream stream, PoolRung rung) {
  const PoolParams g = pool_params(p, accumulate);
  if (g.inputs == 0) return;
  const bool packs = in_packs(g, x, y, dy, dx, argmax);
  const int width = vector_width<Element>(g, packs);
  rung = chosen(p, rung, width);
  const auto run_global = [&]<class Config, PoolKind kKind>(Config) {
    refuse(pool2d_global_takes(p), "the window is not the map");
    const int64_t blocks = p.N * simt::ceil_div(p.C, int64_t{Config::kChannels}) *
                           simt::ceil_div(p.R * p.S, int64_t{Config::kPixels});
    launch(one_thread_each(blocks * Config::kThreads, Config::kThreads, stream),
           pool2d_backward_global<Config, kKind, Element>, g, x, y, argmax, dy, dx);
  };
  with_kind(p.kind, [&](auto kind) {
    if (rung == PoolRung::naive) {
      using Config = PoolNaiveConfig;
      launch(one_thread_each(g.inputs, Config::kThreads, stream),
             pool2d_backward_naive<Config, kind(), Element>, g, x, y, argmax, dy, dx);
    } else if (rung == PoolRung::global && packs) {
      run_global.template operator()<PoolGlobalBackwardConfig<4>, kind()>({});
    } else if (rung == PoolRung::global) {
      run_global.template operator()<PoolGlobalBackwardConfig<1>, kind()>({});
    } else if (width == 4) {
      using Config = PoolVectorConfig<4>;
      launch(one_thread_each(g.inputs / 4, Config::kThreads, stream),
             pool2d_backward_vector<Config, kind(), Element>, g, x, y, argmax, dy, dx);
    } else if constexpr (sizeof(Element) == 4) {
      using Config = PoolVectorConfig<1>;
      refuse(width == 1, "2^31 elements or more");
      launch(one_thread_each(g.inputs, Config::kThreads, stream),
             pool2d_backward_vector<Config, kind(), Element>, g, x, y, argmax, dy, dx);
    } else {
      refuse(false, "halves that are not in packs of 4 channels, or 2^31 elements or more");
    }
  });
}

}  // namespace

bool pool2d_vector_takes(const Pool2dProblem& p) {
  return p.N * p.H * p.W * p.C <= kMost32 && p.N * p.P() * p.Q() * p.C <= kMost32;
}

bool pool2d_global_takes(const Pool2dProblem& p) {
  constexpr int64_t kBlockPixels = PoolGlobalBackwardConfig<1>::kPixels;
  return p.R == p.H && p.S == p.W && p.P() == 1 && p.Q() == 1 && p.pad == Padding{} &&
         p.N * simt::ceil_div(p.C, int64_t{32}) <= kMost32 / simt::ceil_div(p.R * p.S, kBlockPixels);
}

void pool2d_forward(const Pool2dProblem& p, Storage storage, const void* x, void* y, void* argmax,
                    Stream stream, PoolRung rung) {
  with_element(storage, [&]<class Element>(Element) {
    forward(p, static_cast<const Element*>(x), static_cast<Element*>(y), argmax, stream, rung);
  });
}

void pool2d_backward(const Pool2dProblem& p, Storage storage, const void* x, const void* y,
                     const void* argmax, const void* dy, void* dx, bool accumulate, Stream stream,
                     PoolRung rung) {
  with_element(storage, [&]<class Element>(Element) {
    backward(p, static_cast<const Element*>(x), static_cast<const Element*>(y), argmax,
             static_cast<const Element*>(dy), static_cast<Element*>(dx), accumulate, stream, rung);
  });
}

}  // namespace gabor::kernels
