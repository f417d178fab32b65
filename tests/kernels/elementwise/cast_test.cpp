#include "kernels/elementwise/cast.h"

#include <cmath>

#include "kernels/elementwise/skewed.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;

template <class Element>
constexpr Storage kStorage = Storage::f32;
template <>
constexpr Storage kStorage<simt::half> = Storage::f16;
template <>
constexpr Storage kStorage<simt::bfloat16> = Storage::bf16;

// Bit for bit what the type's own conversion gives, of every magnitude that a float has.
template <class Element>
void check(Rng& rng, int index) {
  const int count = between(rng, 1, 70) + (index % 32 == 0 ? 4096 : 0);
  SCOPED_TRACE(count);
  std::vector<float> host;
  for (int i = 0; i < count; ++i) host.push_back(std::ldexp(uniform(rng, -2, 2), between(rng, -140, 126)));
  if (index % 4 == 0) host[size_t(below(rng, count))] = -INFINITY;
  Skewed<float> x(host, random_skew(rng), "x");
  Skewed<Element> y(unwritten<Element>(host.size()), random_skew(rng), "y");
  cast(count, x.data(), kStorage<Element>, y.data(), nullptr);
  const std::vector<Element> got = y.values();
  for (size_t i = 0; i < host.size(); ++i)
    EXPECT_EQ(simt::to_float(got[i]), simt::to_float(simt::from_float<Element>(host[i]))) << host[i];
}

TEST(CastKernels, RandomShapes) {
  constexpr int kShapes = 510;
  Rng rng(400 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i) check<simt::half>(rng, i), check<simt::bfloat16>(rng, i);
  report_problems("cast f16", kShapes);
  report_problems("cast bf16", kShapes);
}

// Values whose neighbours in 16 bits are known: ties go to the even one, and what is too large becomes infinite.
TEST(CastKernels, RoundsToNearestEven) {
  const std::vector<float> x{1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 65519,          65520,
                             0x1p-25f,     1 + 0x1p-8f,      1 + 3 * 0x1p-8f};
  simt::DeviceArray<float> from(x, "x");
  simt::DeviceArray<simt::half> half(x.size(), "half");
  simt::DeviceArray<simt::bfloat16> bfloat(x.size(), "bfloat16");
  cast(int64_t(x.size()), from.data(), Storage::f16, half.data(), nullptr);
  cast(int64_t(x.size()), from.data(), Storage::bf16, bfloat.data(), nullptr);
  std::vector<float> in_half, in_bfloat;
  for (const simt::half v : half.values()) in_half.push_back(simt::to_float(v));
  for (const simt::bfloat16 v : bfloat.values()) in_bfloat.push_back(simt::to_float(v));
  EXPECT_EQ(in_half, (std::vector<float>{1, 1 + 0x1p-9f, 65504, INFINITY, 0, 1 + 0x1p-8f, 1 + 3 * 0x1p-8f}));
  EXPECT_EQ(in_bfloat, (std::vector<float>{1, 1, 65536, 65536, 0x1p-25f, 1, 1 + 0x1p-6f}));
}

}  // namespace
}  // namespace gabor::kernels
