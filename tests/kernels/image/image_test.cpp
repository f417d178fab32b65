// The crop of a picture against its definition. An element is one fused multiply-add, so results are compared bit for bit.
#include "kernels/image/image.h"

#include <cstring>

#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using simt::DeviceArray;

struct Pictures {
  CropProblem p;
  std::vector<uint8_t> x;
  std::vector<Crop> crops;
};

Pictures random_pictures(Rng& rng) {
  Pictures pictures;
  CropProblem& p = pictures.p;
  p.N = between(rng, 1, 4), p.C = between(rng, 1, 4);
  p.H = between(rng, 1, 9), p.W = between(rng, 1, 9);
  p.P = between(rng, 1, 9), p.Q = between(rng, 1, 9);
  if (below(rng, 2) == 0) p.Q = 4 * between(rng, 1, 2);  // rows in fours
  for (size_t c = 0; c < 4; ++c)
    p.normalize.scale[c] = uniform(rng, -0.02f, 0.02f), p.normalize.shift[c] = uniform(rng, -2, 2);
  for (int64_t i = 0; i < p.N * p.H * p.W * p.C; ++i) pictures.x.push_back(uint8_t(below(rng, 256)));
  for (int64_t n = 0; n < p.N; ++n)  // over each edge, now and then past it altogether
    pictures.crops.push_back(
        {between(rng, -5, int(p.H) + 1), between(rng, -5, int(p.W) + 1), uint8_t(below(rng, 2))});
  return pictures;
}

template <class Element>
std::vector<Element> oracle(const Pictures& pictures, bool with_crops) {
  const CropProblem& p = pictures.p;
  std::vector<Element> y;
  for (int64_t n = 0; n < p.N; ++n) {
    const Crop crop = with_crops ? pictures.crops[size_t(n)] : Crop{};
    // The whole crop before it is mirrored, then each row read from its end.
    for (int64_t row = 0; row < p.P; ++row) {
      std::vector<float> line;
      for (int64_t column = 0; column < p.Q; ++column)
        for (int64_t c = 0; c < p.C; ++c) {
          const int64_t h = crop.top + row, w = crop.left + column;
          const bool inside = h >= 0 && h < p.H && w >= 0 && w < p.W;
          const float pixel = inside ? pictures.x[size_t(((n * p.H + h) * p.W + w) * p.C + c)] : 0;
          line.push_back(inside ? std::fma(pixel, p.normalize.scale[size_t(c)], p.normalize.shift[size_t(c)])
                                : 0.0f);
        }
      for (int64_t q = 0; q < p.Q; ++q)
        for (int64_t c = 0; c < p.C; ++c)
          y.push_back(simt::from_float<Element>(line[size_t((crop.flip ? p.Q - 1 - q : q) * p.C + c)]));
    }
  }
  return y;
}

template <class Element>
bool same_bits(const std::vector<Element>& a, const std::vector<Element>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Element)) == 0;
}

template <class Element>
void check(const Pictures& pictures, ImageRung rung, bool with_crops) {
  const CropProblem& p = pictures.p;
  DeviceArray<uint8_t> x(pictures.x, "x");
  DeviceArray<Crop> crops(pictures.crops, "crops");
  DeviceArray<Element> y(size_t(p.N * p.P * p.Q * p.C), "y");
  crop_normalize(p, x.data(), with_crops ? crops.data() : nullptr, y.data(), nullptr, rung);
  const std::vector<Element> want = oracle<Element>(pictures, with_crops);
  EXPECT_TRUE(same_bits(y.values(), want)) << "N=" << p.N << " H=" << p.H << " W=" << p.W << " C=" << p.C
                                           << " P=" << p.P << " Q=" << p.Q << " rung " << int(rung);
  const std::vector<Element> zeros(want.size(), simt::from_float<Element>(0.0f));
  const bool telling =
      std::any_of(want.begin(), want.end(), [](const Element& v) { return simt::to_float(v) != 0; });
  EXPECT_EQ(same_bits(zeros, want), !telling);
}

template <class Element>
void check_random(ImageRung rung, const char* what) {
  Rng rng(1 + seed_of_this_run());
  int drawn = 0;
  while (drawn < 300) {
    const Pictures pictures = random_pictures(rng);
    if (rung == ImageRung::vector && !crop_normalize_vector_takes(pictures.p)) continue;
    check<Element>(pictures, rung, drawn++ % 8 != 0);
  }
  report_problems(std::string("crop_normalize ") + what, drawn);
}

TEST(ImageKernels, RandomCropsNaive) {
  check_random<float>(ImageRung::naive, "naive f32");
  check_random<simt::half>(ImageRung::naive, "naive f16");
  check_random<simt::bfloat16>(ImageRung::naive, "naive bf16");
}

TEST(ImageKernels, RandomCropsVector) {
  check_random<float>(ImageRung::vector, "vector f32");
  check_random<simt::half>(ImageRung::vector, "vector f16");
  check_random<simt::bfloat16>(ImageRung::vector, "vector bf16");
}

TEST(ImageKernels, RandomCropsByAutomaticChoice) {
  Rng rng(3 + seed_of_this_run());
  for (int i = 0; i < 60; ++i) check<float>(random_pictures(rng), ImageRung::automatic, true);
}

// More than a block of threads in each rung, and a corner as far away as is allowed.
TEST(ImageKernels, LargerThanABlock) {
  Rng rng(2);
  Pictures pictures = random_pictures(rng);
  pictures.p.N = 2, pictures.p.H = 21, pictures.p.W = 19, pictures.p.C = 3, pictures.p.P = 18,
  pictures.p.Q = 20;
  pictures.x.assign(size_t(2 * 21 * 19 * 3), 0);
  for (uint8_t& v : pictures.x) v = uint8_t(below(rng, 256));
  pictures.crops = {{2, -1, 1}, {1, 1, 0}};
  for (const ImageRung rung : {ImageRung::naive, ImageRung::vector}) check<float>(pictures, rung, true);
  pictures.crops = {{-(1 << 30), 1 << 30, 1}, {0, 0, 1}};
  for (const ImageRung rung : {ImageRung::naive, ImageRung::vector}) check<float>(pictures, rung, true);
}

// y one element past an aligned place: the vector rung refuses, the choice falls on the other.
TEST(ImageKernels, UnalignedResults) {
  Rng rng(4);
  Pictures pictures = random_pictures(rng);
  pictures.p.Q = 4;
  const size_t count = size_t(pictures.p.N * pictures.p.P * pictures.p.Q * pictures.p.C);
  DeviceArray<uint8_t> x(pictures.x, "x");
  DeviceArray<Crop> crops(pictures.crops, "crops");
  DeviceArray<float> y(std::vector<float>(count + 1, 0.5f), "y");
  EXPECT_THROW(crop_normalize(pictures.p, x.data(), crops.data(), y.data() + 1, nullptr, ImageRung::vector),
               simt::Error);
  crop_normalize(pictures.p, x.data(), crops.data(), y.data() + 1, nullptr);
  std::vector<float> want = oracle<float>(pictures, true);
  want.insert(want.begin(), 0.5f);
  EXPECT_TRUE(same_bits(y.values(), want));
}

TEST(ImageKernels, RefusesWhatItCannotDo) {
  DeviceArray<uint8_t> x(64, "x");
  DeviceArray<float> y(64, "y");
  const auto refuses = [&](const CropProblem& p, ImageRung rung) {
    EXPECT_THROW(crop_normalize(p, x.data(), nullptr, y.data(), nullptr, rung), simt::Error);
  };
  refuses({.C = 5, .normalize = {}}, ImageRung::automatic);
  refuses({.C = 0, .normalize = {}}, ImageRung::automatic);
  refuses({.P = 0, .normalize = {}}, ImageRung::automatic);
  refuses({.Q = int64_t{1} << 30, .normalize = {}}, ImageRung::naive);
  refuses({.C = 3, .Q = 5, .normalize = {}}, ImageRung::vector);
  EXPECT_FALSE(crop_normalize_vector_takes({.N = 1 << 20, .C = 4, .P = 64, .Q = 64, .normalize = {}}));
  EXPECT_TRUE(crop_normalize_vector_takes({.N = 2000, .H = 36, .W = 36, .P = 32, .Q = 32, .normalize = {}}));
}

}  // namespace
}  // namespace gabor::kernels
