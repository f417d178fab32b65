#include <initializer_list>

#include "kernels/batchnorm/backward.cuh"
#include "kernels/batchnorm/batchnorm.h"
#include "kernels/batchnorm/forward.cuh"
#include "kernels/batchnorm/naive.cuh"
#include "kernels/common/dispatch.cuh"

namespace gabor::kernels {
namespace {

using namespace batchnorm;
using Naive = NaiveConfig;
using Scalar = TileConfig<1>;
using Quads = TileConfig<4>;

constexpr int64_t kMostIndex = 0x7fffffff, kMostSlices = 0xffff;  // of gridDim.x, gridDim.y

// Whether there is something to do.
bool checked(const BatchnormProblem& p, int64_t slices) {
  if (p.rows > kMostIndex || p.C > kMostIndex) throw simt::Error("batchnorm: too many rows or channels");
  if (slices < 1 || slices > kMostSlices) throw simt::Error("batchnorm: 1 to 65,535 slices");
  return p.rows > 0 && p.C > 0;
}

LaunchConfig naive_grid(int64_t count, Stream stream) {
  if (count > kMostIndex * Naive::kThreads)
    throw simt::Error("batchnorm: the naive rung has too many elements");
  return thread_each(count, Naive::kThreads, stream);
}

template <class Config>
LaunchConfig tile_grid(const TileParams& g, Stream stream) {
  return grid_of(dim3(tiles<Config>(g), unsigned(simt::ceil_div(g.rows, g.slice_rows))), Config::kThreads,
                 stream);
}

// Calls run(Config{}) with the widest accesses that C and the pointers allow; null is aligned.
template <class Element, class Run>
void with_vector(int64_t C, std::initializer_list<const Element*> pointers, Run run) {
  bool quads = C % Quads::kVector == 0;
  for (const Element* p : pointers)
    quads = quads && reinterpret_cast<uintptr_t>(p) % (Quads::kVector * sizeof(Element)) == 0;
  if (quads) {
    run(Quads{});
  } else {
    run(Scalar{});
  }
}

// For passes without sums: at least as many slices, and so many that a thread has no more than kMost rows; it reads its
// channels' values once for all of them.
template <class Config>
TileParams map_params(const BatchnormProblem& p, int64_t slices) {
  constexpr int64_t kMost = 16;
  const int64_t lanes = tile_params<Config>(p.rows, p.C, 1).lanes;
  const int64_t wanted = std::max(slices, simt::ceil_div(p.rows, lanes * kMost));
  return tile_params<Config>(p.rows, p.C, std::min({wanted, simt::ceil_div(p.rows, lanes), kMostSlices}));
}

// The slices,C matrix of partial results that the pass `g` leaves.
TileParams partial_params(const TileParams& g) {
  return tile_params<Scalar>(simt::ceil_div(g.rows, g.slice_rows), g.C, 1);
}

bool tiled(BatchnormRung rung) { return rung != BatchnormRung::naive; }

template <class Element>
void apply(const BatchnormProblem& p, const ApplyParams& a, const Element* x, Element* y, int64_t slices,
           Stream stream, BatchnormRung rung) {
  if (!tiled(rung)) {
    const int64_t count = p.rows * p.C;
    return launch(naive_grid(count, stream), apply_naive<Naive, Element>, a, count, p.C, x, y);
  }
  with_vector<Element>(p.C, {x, y}, [&](auto config) {
    using Config = decltype(config);
    const TileParams g = map_params<Config>(p, slices);
    launch(tile_grid<Config>(g, stream), apply_tiled<Config, Element>, g, a, x, y);
  });
}

// x, dy, dx: those of t.
template <class Element>
void backward(const BatchnormProblem& p, const BatchnormBackward& t, const Element* x, const Element* dy,
              Element* dx, const BatchnormWorkspace& workspace, Stream stream, BatchnormRung rung) {
  float* partial = static_cast<float*>(workspace.memory);
  float* batch = partial + workspace.slices * 2 * p.C;
  const ParameterGradients sums{p.rows, t.accumulate_parameters, t.dgamma, t.dbeta, batch, batch + p.C};
  const InputGradientParams d{t.mean, t.rstd, t.gamma, sums.batch_dgamma, sums.batch_dbeta};
  if (!tiled(rung)) {
    launch(naive_grid(p.C, stream), parameter_gradients_naive<Naive, Element>, sums, p.C, t.mean, t.rstd, x,
           dy);
    const int64_t count = p.rows * p.C;
    if (dx != nullptr)
      launch(naive_grid(count, stream), input_gradient_naive<Naive, Element>, d, count, p.C, x, dy, dx,
             t.accumulate_dx);
    return;
  }
  with_vector<Element>(p.C, {x, dy, dx}, [&](auto config) {
    using Config = decltype(config);
    const TileParams g = tile_params<Config>(p.rows, p.C, workspace.slices), join = partial_params(g);
    launch(tile_grid<Config>(g, stream), slice_gradients<Config, Element>, g, t.mean, t.rstd, x, dy, partial);
    launch(tile_grid<Scalar>(join, stream), finish_gradients<Scalar>, join, sums, partial);
    const TileParams m = map_params<Config>(p, workspace.slices);
    if (dx != nullptr)
      launch(tile_grid<Config>(m, stream), input_gradient_tiled<Config, Element>, m, d, x, dy, dx,
             t.accumulate_dx);
  });
}

}  // namespace

int64_t batchnorm_slices(int64_t rows, int64_t C, int multiprocessors) {
  constexpr int64_t kBlocks = 4;  // a multiprocessor: 1,024 threads
  if (rows == 0 || C == 0) return 1;
  const auto slices = [&](auto config) {
    using Config = decltype(config);
    const TileParams g = tile_params<Config>(rows, C, 1);
    const int64_t wanted = simt::ceil_div(kBlocks * multiprocessors, int64_t{tiles<Config>(g)});
    const int64_t worth_it = simt::ceil_div(rows, int64_t{g.lanes} * Config::kRows);
    return std::max(int64_t{1}, std::min({wanted, worth_it, kMostSlices}));
  };
  return C % Quads::kVector == 0 ? slices(Quads{}) : slices(Scalar{});
}

size_t batchnorm_workspace_bytes(int64_t, int64_t C, int64_t slices) {
  return size_t(slices + 1) * 2 * size_t(C) * sizeof(float);  // partial results; the sums of the backward
}

void batchnorm_forward_training(const BatchnormProblem& p, Storage storage, const BatchnormTraining& t,
                                const BatchnormWorkspace& workspace, Stream stream, BatchnormRung rung) {
  if (!checked(p, workspace.slices)) return;
  const StatisticsParams s{p.rows, p.epsilon, t.momentum, t.mean, t.rstd, t.running_mean, t.running_var};
  const ApplyParams a{t.mean, t.rstd, nullptr, t.gamma, t.beta, p.epsilon, t.relu};
  with_element(storage, [&]<class Element>(Element) {
    const auto* x = static_cast<const Element*>(t.x);
    if (tiled(rung)) {
      float* partial = static_cast<float*>(workspace.memory);
      with_vector<Element>(p.C, {x}, [&](auto config) {
        using Config = decltype(config);
        const TileParams g = tile_params<Config>(p.rows, p.C, workspace.slices), join = partial_params(g);
        launch(tile_grid<Config>(g, stream), slice_moments<Config, Element>, g, x, partial);
        launch(tile_grid<Scalar>(join, stream), finish_moments<Scalar>, join, s, g.slice_rows, partial);
      });
    } else {
      launch(naive_grid(p.C, stream), statistics_naive<Naive, Element>, s, p.C, x);
    }
    apply(p, a, x, static_cast<Element*>(t.y), workspace.slices, stream, rung);
  });
}

void batchnorm_forward_inference(const BatchnormProblem& p, Storage storage, const BatchnormInference& t,
                                 Stream stream, BatchnormRung rung) {
  if (!checked(p, 1)) return;
  const ApplyParams a{t.running_mean, nullptr, t.running_var, t.gamma, t.beta, p.epsilon, t.relu};
  with_element(storage, [&]<class Element>(Element) {
    apply(p, a, static_cast<const Element*>(t.x), static_cast<Element*>(t.y), 1, stream, rung);
  });
}

void batchnorm_backward(const BatchnormProblem& p, Storage storage, const BatchnormBackward& t,
                        const BatchnormWorkspace& workspace, Stream stream, BatchnormRung rung) {
  if (!checked(p, workspace.slices)) return;
  with_element(storage, [&]<class Element>(Element) {
    backward(p, t, static_cast<const Element*>(t.x), static_cast<const Element*>(t.dy),
             static_cast<Element*>(t.dx), workspace, stream, rung);
  });
}

}  // namespace gabor::kernels
