#include "kernels/elementwise/elementwise.h"

#include "core/philox.h"
#include "kernels/elementwise/skewed.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::kU;

constexpr int kShapes = 510, kHalves = 100;

int random_count(Rng& rng, int index) { return between(rng, 1, 70) + (index % 32 == 0 ? 4096 : 0); }

std::vector<float> values(Rng& rng, int count, bool integer) {
  std::vector<float> x;
  for (int i = 0; i < count; ++i) x.push_back(integer ? float(below(rng, 65) - 32) : uniform(rng, -4, 4));
  return x;
}

template <class Element>
void check_add(Rng& rng, int index) {
  const int count = random_count(rng, index);
  SCOPED_TRACE(count);
  const std::vector<Element> a_host = stored<Element>(values(rng, count, index % 2 == 0)),
                             b_host = stored<Element>(values(rng, count, index % 2 == 0));
  Skewed<Element> a(a_host, random_skew(rng), "a"), b(b_host, random_skew(rng), "b"),
      y(unwritten<Element>(a_host.size()), random_skew(rng), "y");
  const bool in_place = below(rng, 2) == 0;  // d += dy
  add(count, kStorageOf<Element>, a.data(), b.data(), in_place ? a.data() : y.data(), nullptr);
  Expected want;
  const std::vector<double> wide_a = widened(a_host), wide_b = widened(b_host);
  for (size_t i = 0; i < wide_a.size(); ++i) {
    const double sum = wide_a[i] + wide_b[i];
    want.add(sum, index % 2 == 0 ? 0 : kU * std::fabs(sum) + storage_error<Element>(sum));
  }
  expect_within(in_place ? a.values() : y.values(), want, "y");
}

TEST(AddKernels, RandomShapes) {
  Rng rng(100 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i) check_add<float>(rng, i);
  for (int i = 0; i < kHalves; ++i) check_add<simt::half>(rng, i), check_add<simt::bfloat16>(rng, i);
  report_problems("add f32", kShapes);
  report_problems("add f16", kHalves);
  report_problems("add bf16", kHalves);
}

template <class Element>
void check_dropout(Rng& rng, int index) {
  const int count = random_count(rng, index);
  const uint64_t seed = (uint64_t(rng()) << 32) | rng();
  const uint32_t layer = uint32_t(below(rng, 1 << kDropoutLayerBits)),
                 first_chunk = uint32_t(below(rng, 1 << 19)), chunk = uint32_t(below(rng, 64));
  const uint64_t step = (uint64_t(below(rng, 256)) << 32) | rng();
  const RandomKey key{seed, Purpose::dropout, step, layer + ((first_chunk + chunk) << kDropoutLayerBits)};
  const float rate = index % 8 == 0 ? 0.0f : uniform(rng, 0.0f, 0.95f);
  const bool accumulate = below(rng, 2) == 0;
  SCOPED_TRACE("count " + std::to_string(count) + " rate " + std::to_string(rate) + " seed " +
               std::to_string(key.seed));
  std::vector<float> x_values = values(rng, count, false);
  if (index % 4 == 0) x_values[size_t(below(rng, count))] = NAN;
  const std::vector<Element> x_host = stored<Element>(x_values),
                             before = stored<Element>(values(rng, count, true));
  Skewed<Element> x(x_host, random_skew(rng), "x"), y(before, random_skew(rng), "y");
  const bool in_place = !accumulate && below(rng, 3) == 0;
  simt::DeviceArray<StepValues> values_of_step(
      std::vector<StepValues>{{.step = step, .first_chunk = first_chunk}}, "step values");
  dropout(count, rate, {layer, chunk, uint32_t(Purpose::dropout), uint32_t(seed), uint32_t(seed >> 32)},
          values_of_step.data(), kStorageOf<Element>, x.data(), in_place ? x.data() : y.data(), accumulate,
          nullptr);

  Expected want;
  const std::vector<double> wide = widened(x_host), start = widened(before);
  for (int i = 0; i < count; ++i) {
    const bool kept = unit_float(key.block(uint32_t(i / 4))[size_t(i % 4)]) >= rate;
    const double d = kept ? wide[size_t(i)] / (1 - double(rate)) : 0, s = accumulate ? start[size_t(i)] : 0;
    // Dropped: exactly 0, or exactly what was there.
    want.add(s + d,
             kept ? gabor::gamma(3) * (std::fabs(s) + std::fabs(d)) + storage_error<Element>(s + d) : 0);
  }
  expect_within(in_place ? x.values() : y.values(), want, "y");
}

TEST(DropoutKernels, RandomShapes) {
  Rng rng(200 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i) check_dropout<float>(rng, i);
  for (int i = 0; i < kHalves; ++i) check_dropout<simt::half>(rng, i), check_dropout<simt::bfloat16>(rng, i);
  report_problems("dropout f32", kShapes);
  report_problems("dropout f16", kHalves);
  report_problems("dropout bf16", kHalves);
}

TEST(DropoutKernels, RefusesARateOfOne) {
  simt::DeviceArray<float> x(std::vector<float>{1.0f}, "x");
  EXPECT_THROW(dropout(1, 1.0f, {}, nullptr, Storage::f32, x.data(), x.data(), false, nullptr), simt::Error);
}

template <class Element>
void check_normalize(Rng& rng, int index) {
  const int C = between(rng, 1, 4), count = random_count(rng, index) * C;
  SCOPED_TRACE("count " + std::to_string(count) + " C " + std::to_string(C));
  std::vector<uint8_t> bytes;
  for (int j = 0; j < count; ++j) bytes.push_back(uint8_t(rng()));
  float scale[4], shift[4];
  const bool exact = index % 2 == 0;  // integers: the result is one
  for (int c = 0; c < 4; ++c) {
    scale[c] = exact ? float(between(rng, -3, 3)) : uniform(rng, 0.001f, 0.02f);
    shift[c] = exact ? float(between(rng, -9, 9)) : uniform(rng, -3, 3);
  }
  const int skew = random_skew(rng);
  std::vector<uint8_t> framed(size_t(skew), 7);
  framed.insert(framed.end(), bytes.begin(), bytes.end());
  simt::DeviceArray<uint8_t> x(framed, "x");
  Skewed<Element> y(unwritten<Element>(size_t(count)), random_skew(rng), "y");
  normalize(count, C, scale, shift, x.data() + skew, kStorageOf<Element>, y.data(), nullptr);
  Expected want;
  for (int j = 0; j < count; ++j) {
    const double v = bytes[size_t(j)] * double(scale[j % C]) + double(shift[j % C]);
    want.add(v, (exact ? 0 : kU * std::fabs(v)) + storage_error<Element>(v));
  }
  expect_within(y.values(), want, "y");
}

TEST(NormalizeKernels, RandomShapes) {
  Rng rng(300 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i) check_normalize<float>(rng, i);
  for (int i = 0; i < kHalves; ++i)
    check_normalize<simt::half>(rng, i), check_normalize<simt::bfloat16>(rng, i);
  report_problems("normalize f32", kShapes);
  report_problems("normalize f16", kHalves);
  report_problems("normalize bf16", kHalves);
}

TEST(NormalizeKernels, RefusesFiveChannels) {
  simt::DeviceArray<uint8_t> x(5, "x");
  simt::DeviceArray<float> y(5, "y");
  const float one[4] = {1, 1, 1, 1};
  EXPECT_THROW(normalize(5, 5, one, one, x.data(), Storage::f32, y.data(), nullptr), simt::Error);
}

}  // namespace
}  // namespace gabor::kernels
