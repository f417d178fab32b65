// What this machine can do at most: a copy by all threads, and multiply-adds that never leave the registers.
#include <algorithm>
#include <cstring>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"

#ifndef GABOR_CPU_ROOFS_ONCE
#define GABOR_CPU_ROOFS_ONCE
namespace gabor::cpu {
constexpr int64_t kRoofOutputs = 16;  // a thread: one cache line
}  // namespace gabor::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/roofs.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// `rounds` multiply-adds in each lane of kChains vectors: two FMA units of a latency of 4 or 5 cycles need 10 that do
// not wait for each other. out: kRoofOutputs floats. Returns the FLOPs.
double MultiplyAdd(int64_t rounds, float* out) {
  const hn::ScalableTag<float> d;
  constexpr int kChains = 12;
  const int64_t L = int64_t(hn::Lanes(d));
  // The values stay near 1, far from denormal ones.
  const auto factor = hn::Set(d, 0.5f), term = hn::Set(d, 0.5f);
  hn::Vec<decltype(d)> chain[kChains];
  for (int c = 0; c < kChains; c++) chain[c] = hn::Set(d, 1.0f + float(c));
  for (int64_t i = 0; i < rounds; i++)
    for (int c = 0; c < kChains; c++) chain[c] = hn::MulAdd(chain[c], factor, term);
  for (int c = 1; c < kChains; c++) chain[0] = hn::Add(chain[0], chain[c]);
  store_part(chain[0], d, out, std::min(L, kRoofOutputs));
  return 2.0 * double(rounds) * kChains * double(L);
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
HWY_EXPORT(MultiplyAdd);
namespace {

class CpuRoofs final : public Roofs {
 public:
  void copy(Context&, ConstTensorView x, TensorView y) const override {
    const auto* from = static_cast<const char*>(x.data);
    auto* to = static_cast<char*>(y.data);
    GABOR_CHECK(x.bytes() == y.bytes());
    chunks(int64_t(x.bytes()),
           [&](int64_t begin, int64_t end) { std::memcpy(to + begin, from + begin, size_t(end - begin)); });
  }
  double multiply_add(Context&, std::string_view math, int64_t rounds, TensorView y) const override {
    if (math != "fp32") return 0;
    const int threads = max_threads();
    auto* out = y.as<float>();
    GABOR_CHECK(y.count() >= fma_outputs());
    std::vector<double> flops(size_t(threads), 0.0);
    parallel_ranges(
        threads,
        [&](int64_t begin, int64_t end, int) {
          for (int64_t t = begin; t < end; t++)
            flops[size_t(t)] = HWY_DYNAMIC_DISPATCH(MultiplyAdd)(rounds, out + t * kRoofOutputs);
        },
        threads);
    double sum = 0;
    for (double f : flops) sum += f;
    return sum;
  }
  int64_t fma_outputs() const override { return max_threads() * kRoofOutputs; }
};

}  // namespace

std::unique_ptr<Roofs> make_roofs() { return std::make_unique<CpuRoofs>(); }

}  // namespace gabor::cpu
#endif
