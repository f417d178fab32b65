// Micro-benchmark of the fused first block's CPU kernels: ms, GFLOP/s (the dense convolution's count for both
// passes) and images/s. Data is random, so 15 of 16 pooled places are alive: photos have fewer and the
// backward is faster.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "backends/cpu/first_block/kernels.h"
#include "core/parallel.h"
#include "core/philox.h"

namespace gabor {
namespace {

namespace fb = cpu::first_block;

FirstBlockProblem problem(const char* conv, DType input) {
  FirstBlockProblem p;
  p.conv = parse_conv2d(conv), p.input = input;
  p.pool.N = p.conv.N, p.pool.H = p.conv.P(), p.pool.W = p.conv.Q(), p.pool.C = p.conv.K;
  return p;
}

constexpr const char* kArticle = "N=32 H=300 W=300 C=3 K=10 R=5 S=5 act=relu";
constexpr const char* kLenet = "N=128 H=28 W=28 C=1 K=6 R=5 S=5 pad=2,2 act=relu";

struct Free {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using Memory = std::unique_ptr<T[], Free>;
template <class T>
Memory<T> allocate(size_t count) {
  return Memory<T>(static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64)));
}

enum class Pass { forward, backward, both };

void first_block(benchmark::State& state, const char* conv, DType input, Pass pass) {
  FirstBlockProblem p = problem(conv, input);
  Random random({1, Purpose::test});
  const size_t x_count = size_t(p.conv.x_shape().count()), y_count = size_t(p.pool.y_shape().count());
  const size_t w_count = size_t(p.conv.w_shape().count());
  const int threads = max_threads();
  auto x = allocate<uint8_t>(x_count * size_of(p.input)),
       argmax = allocate<uint8_t>(size_t(p.conv.N) * fb::argmax_bytes(p));
  auto w = allocate<float>(w_count), b = allocate<float>(size_t(p.conv.K)), y = allocate<float>(y_count),
       dy = allocate<float>(y_count), dw = allocate<float>(w_count), db = allocate<float>(size_t(p.conv.K));
  auto workspace = allocate<uint8_t>(fb::workspace_bytes(p, threads));
  if (p.input == DType::u8) {
    for (size_t i = 0; i < x_count; i++) x[i] = uint8_t(random.below(256));
    p.normalize = {{1 / 64.0f, 1 / 64.0f, 1 / 64.0f, 1}, {-2, -2, -2, 0}};
  } else {
    for (size_t i = 0; i < x_count; i++) reinterpret_cast<float*>(x.get())[i] = random.uniform(-1, 1);
  }
  for (size_t i = 0; i < w_count; i++) w[i] = random.uniform(-0.2f, 0.2f);
  for (int64_t k = 0; k < p.conv.K; k++) b[k] = random.uniform(-0.1f, 0.1f);
  for (size_t i = 0; i < y_count; i++) dy[i] = random.uniform(-1, 1);

  const auto forward = [&] {
    fb::forward(p, x.get(), w.get(), b.get(), y.get(), argmax.get(), workspace.get(), threads);
  };
  forward();
  for (auto _ : state) {
    if (pass != Pass::backward) forward();
    if (pass != Pass::forward)
      fb::backward(p, x.get(), argmax.get(), dy.get(), dw.get(), db.get(), false, workspace.get(), threads);
    benchmark::ClobberMemory();
  }
  const double passes = pass == Pass::both ? 2 : 1;
  state.counters["GFLOP/s"] = benchmark::Counter(passes * double(p.conv.flops()) * 1e-9,
                                                 benchmark::Counter::kIsIterationInvariantRate);
  state.counters["images/s"] =
      benchmark::Counter(double(p.conv.N), benchmark::Counter::kIsIterationInvariantRate);
}

#define GABOR_FIRST_BLOCK(name, ...)                                           \
  BENCHMARK_CAPTURE(first_block, name##_forward, __VA_ARGS__, Pass::forward)   \
      ->Unit(benchmark::kMillisecond)                                          \
      ->UseRealTime();                                                         \
  BENCHMARK_CAPTURE(first_block, name##_backward, __VA_ARGS__, Pass::backward) \
      ->Unit(benchmark::kMillisecond)                                          \
      ->UseRealTime();                                                         \
  BENCHMARK_CAPTURE(first_block, name##_both, __VA_ARGS__, Pass::both)         \
      ->Unit(benchmark::kMillisecond)                                          \
      ->UseRealTime()

GABOR_FIRST_BLOCK(article_u8, kArticle, DType::u8);
GABOR_FIRST_BLOCK(article_f32, kArticle, DType::f32);
GABOR_FIRST_BLOCK(lenet_u8, kLenet, DType::u8);

}  // namespace
}  // namespace gabor

BENCHMARK_MAIN();
