// What this machine can do at most, measured in about a second: fp32 FMA rate and DRAM copy bandwidth of all
// threads. The tables of tools/bench set every time against these. Prints one JSON object.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
using Vector = float __attribute__((vector_size(kVectorBytes)));
constexpr int kLanes = kVectorBytes / 4;
// Enough independent chains to cover an FMA's latency of 4 cycles on 2 units, few enough to stay in
// registers.
constexpr int kChains = kVectorBytes == 64 ? 24 : 12;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double fma_chains(long rounds) {  // returns the floating-point operations done
  Vector sum[kChains];
  for (int i = 0; i < kChains; ++i)
    sum[i] = Vector{} + 0.001f * i;  // different, or they would be computed once
  const Vector factor = Vector{} + 0.999f, term = Vector{} + 0.0001f;
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * factor + term;
  }
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  volatile float sink = sum[0][0];
  (void)sink;
  return 2.0 * kChains * kLanes * rounds;
}

double fma_gflops() {
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    double flops = 0;
    const double start = seconds();
#pragma omp parallel reduction(+ : flops)
    flops += fma_chains(2'000'000);
    best = std::max(best, flops / (seconds() - start) / 1e9);
  }
  return best;
}

double copy_gbs() {  // bytes read plus bytes written; median of several, since the first ones fault pages in
  const long count = 64L << 20;
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> from(static_cast<float*>(std::aligned_alloc(64, count * sizeof(float))));
  std::unique_ptr<float, Free> to(static_cast<float*>(std::aligned_alloc(64, count * sizeof(float))));
  if (!from || !to) return 0;
  float *a = from.get(), *b = to.get();
#pragma omp parallel for schedule(static)
  for (long i = 0; i < count; ++i) a[i] = 1, b[i] = 2;
  std::vector<double> rates;
  for (int repeat = 0; repeat < 9; ++repeat) {
    const double start = seconds();
#pragma omp parallel for schedule(static)
    for (long i = 0; i < count; ++i) b[i] = a[i];
    rates.push_back(2.0 * sizeof(float) * count / (seconds() - start) / 1e9);
  }
  std::nth_element(rates.begin(), rates.begin() + 4, rates.end());
  return rates[4];
}

}  // namespace

int main() {
  std::printf("{\"fma_gflops\":%.1f,\"copy_gbs\":%.1f,\"threads\":%d,\"vector_bits\":%d}\n", fma_gflops(),
              copy_gbs(), omp_get_max_threads(), kVectorBytes * 8);
}
