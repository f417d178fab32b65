// The implicit GEMMs on tensor cores against the oracle. (Host execution adds the products of an mma in double: the budget,
// which allows float's roundings, is for the GPU.)
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "kernels/conv2d/odd_problems.h"
#include "kernels/conv2d/rung.h"
#include "kernels/conv2d/tensor_core.h"
#include "kernels/conv2d/tensor_tiles.cuh"
#include "kernels/problem_count.h"

namespace gabor::kernels::conv2d {
namespace {

constexpr double kTf32U = 0x1p-11;
constexpr Rung kTensor{
    "tensor", implicit_gemm_fits, tensor_fprop, tensor_dgrad, tensor_wgrad_workspace, tensor_wgrad, kTf32U};
constexpr Storage kStorages[] = {Storage::f32, Storage::f16, Storage::bf16};

void check(const Conv2dProblem& p, Storage storage, Data data, int slices, std::mt19937& random) {
  const Case c = make_case(p, storage, data, random);
  expect_right(c, run(c, kTensor, slices), data, kTf32U);
}

TEST(Conv2dTensor, RandomProblems) { check_random_problems(kTensor, 90, random_problem); }

// Rows of whole chunks in all three passes, which random problems seldom have; and groups of them.
TEST(Conv2dTensor, RandomProblemsInChunks) {
  check_random_problems(kTensor, 84, [](std::mt19937& random) {
    for (;;) {
      Conv2dProblem p = random_problem(random);
      p.C = (8 << random() % 2) * p.groups, p.K = (8 << random() % 2) * p.groups;
      if (p.flops() < 150000) return p;
    }
  });
}

// Each tile, and over its edges; by chunks (the first rows) and by elements, in each storage type.
TEST(Conv2dTensor, EveryTile) {
  static constexpr int64_t kWidths[][2] = {{16, 16},  {8, 24},  {24, 8},  {40, 64}, {64, 40},
                                           {136, 8},  {8, 136}, {72, 72}, {1, 33},  {5, 65},
                                           {68, 130}, {33, 4},  {129, 3}, {20, 132}};
  std::mt19937 random(100 + kernel_tests::seed_of_this_run());
  for (const auto& [C, K] : kWidths)
    for (const Storage storage : kStorages)
      check({.N = 1, .H = 3, .W = 2, .C = C, .K = K, .R = 2, .S = 1, .pad = {1, 0, 0, 0}, .activation = {}},
            storage, C % 3 == 0 ? Data::integers : Data::reals, 2, random);
}

// More than 128 positions, so more than one tile of rows; slices that end inside the image, and some without positions.
TEST(Conv2dTensor, ManyPositions) {
  std::mt19937 random(200 + kernel_tests::seed_of_this_run());
  for (const int64_t stride : {1, 2})
    for (const int64_t C : {3, 8})
      for (const Storage storage : kStorages) {
        const Conv2dProblem p{.N = 2,
                              .H = 13,
                              .W = 11,
                              .C = C,
                              .K = 8,
                              .R = 3,
                              .S = 3,
                              .pad = {1, 0, 1, 1},
                              .stride_h = stride,
                              .stride_w = stride,
                              .activation = {}};
        check(p, storage, Data::integers, stride == 1 ? 3 : 7, random);
      }
}

TEST(Conv2dTensor, OddProblems) {
  std::mt19937 random(300 + kernel_tests::seed_of_this_run());
  int i = 0;
  for (const Conv2dProblem& p : odd_problems()) {
    check(p, Storage::f32, Data::reals, 2, random);
    check(p, ++i % 2 == 0 ? Storage::f16 : Storage::bf16, Data::integers, 3, random);
  }
}

TEST(Conv2dTensor, NanReachesWhatReadsIt) {
  std::mt19937 random(7);
  const Conv2dProblem p{.N = 2,
                        .H = 5,
                        .W = 5,
                        .C = 4,
                        .K = 8,
                        .R = 3,
                        .S = 3,
                        .pad = {},
                        .activation = {ActivationKind::relu, 0}};
  for (const Storage storage : kStorages) {
    Case c = make_case(p, storage, Data::reals, random);
    c.with_bias = true, c.accumulate = false;
    const Results clean = run(c, kTensor, 2);
    // In every window of image 1, in none of image 0.
    const size_t centre = size_t(((1 * p.H + 2) * p.W + 2) * p.C + 1);
    c.x[centre] = c.dy[3] = std::numeric_limits<float>::quiet_NaN();  // dy of filter 3 at the first position
    const Results got = run(c, kTensor, 2);
    for (size_t i = 0; i < got.y.size(); ++i) EXPECT_EQ(std::isnan(got.y[i]), i >= got.y.size() / 2) << i;
    for (size_t i = 0; i < got.y.size() / 2; ++i) EXPECT_EQ(got.y[i], clean.y[i]) << i;
    for (size_t i = 0; i < got.db.size(); ++i) EXPECT_EQ(std::isnan(got.db[i]), i == 3) << i;
    for (size_t i = 0; i < got.dx.size(); ++i) {
      const size_t n = i / size_t(p.H * p.W * p.C), h = i / size_t(p.W * p.C) % size_t(p.H),
                   v = i / size_t(p.C) % size_t(p.W);
      EXPECT_EQ(std::isnan(got.dx[i]), n == 0 && h < 3 && v < 3) << i;  // the first window
    }
    for (size_t i = 0; i < got.dw.size(); ++i) {
      const size_t k = i / size_t(p.reduction()), channel = i % size_t(p.C);
      EXPECT_EQ(std::isnan(got.dw[i]), k == 3 || channel == 1) << i;
    }
  }
}

TEST(Conv2dTensor, SameBitsEveryTime) {
  std::mt19937 random(8);
  const Conv2dProblem p{
      .N = 3, .H = 9, .W = 8, .C = 4, .K = 12, .R = 3, .S = 3, .pad = {1, 1, 1, 1}, .activation = {}};
  const Case c = make_case(p, Storage::f32, Data::reals, random);
  const Results one = run(c, kTensor, 3), two = run(c, kTensor, 3);
  EXPECT_EQ(one.y, two.y);
  EXPECT_EQ(one.dx, two.dx);
  EXPECT_EQ(one.dw, two.dw);
  EXPECT_EQ(one.db, two.db);
}

// f32 is rounded to TF32: 1 + 2^-12 becomes 1, and what TF32 holds stays.
TEST(Conv2dTensor, RoundsToTf32) {
  const Conv2dProblem p{.N = 1, .H = 1, .W = 1, .C = 4, .K = 1, .R = 1, .S = 1, .pad = {}, .activation = {}};
  Case c;
  c.p = p, c.x = {1 + 0x1p-12f, 0, 0, 0}, c.w = {1 + 0x1p-10f, 0, 0, 0}, c.b = {0}, c.dy = {1};
  c.old_dx = c.old_dw = {0, 0, 0, 0}, c.old_db = {0};
  const Results got = run(c, kTensor, 1);
  EXPECT_EQ(got.y[0], 1 + 0x1p-10f);
  EXPECT_EQ(got.dx[0], 1 + 0x1p-10f);
  EXPECT_EQ(got.dw[0], 1.0f);
}

// With the room for TF32 the judge still refuses a kernel that does nothing, and an error a little beyond that room.
TEST(Conv2dTensor, JudgeRefusesZerosAndErrors) {
  std::mt19937 random(9);
  int judged = 0;
  for (int i = 0; i < 20; ++i) {
    const Case c = make_case(random_problem(random), Storage::f32, Data::reals, random);
    const Sums want = wgrad_sums(c);
    std::vector<float> exact(want.value.begin(), want.value.end()), zeros(exact.size());
    const auto largest = std::max_element(exact.begin(), exact.end());
    if (*largest < 0.01f) continue;  // every tap lies outside the image
    ++judged;
    EXPECT_EQ(judge(want, exact, Storage::f32, Data::reals, {}, kTf32U), "") << describe(c);
    EXPECT_NE(judge(want, zeros, Storage::f32, Data::reals, {}, kTf32U), "") << describe(c);
    *largest += 1.25f * float(2 * kTf32U * want.magnitude[size_t(largest - exact.begin())]);
    EXPECT_NE(judge(want, exact, Storage::f32, Data::reals, {}, kTf32U), "") << describe(c);
  }
  EXPECT_GT(judged, 10);
}

TEST(Conv2dTensor, Slices) {
  const Conv2dProblem article{
      .N = 128, .H = 300, .W = 300, .C = 3, .K = 10, .R = 5, .S = 5, .pad = {}, .activation = {}};
  const int slices = tensor_wgrad_slices(article, 132);
  EXPECT_GE(slices, 132);
  EXPECT_EQ(tensor_wgrad_workspace(article, slices), size_t(slices) * 10 * 76 * sizeof(float));
  EXPECT_EQ(tensor_wgrad_slices({.N = 1, .H = 4, .W = 4, .C = 3, .K = 10, .pad = {}, .activation = {}}, 132),
            1);
}

// Every element has a place of its own inside the tile; chunks stay whole and aligned; and what a warp reads at once lies
// in different banks of shared memory (32 of 4 bytes).
template <class Tile>
void check_layout() {
  SCOPED_TRACE(testing::Message() << Tile::kLines << " lines of " << Tile::kLength << ", " << Tile::kSize
                                  << " bytes");
  std::set<int> places;
  for (int line = 0; line < Tile::kLines; ++line)
    for (int element = 0; element < Tile::kLength; ++element) {
      const int at = Tile::offset(line, element),
                chunk = Tile::offset(line, element / Tile::kChunk * Tile::kChunk);
      ASSERT_TRUE(at >= 0 && at < Tile::kElements && places.insert(at).second) << line << ',' << element;
      ASSERT_TRUE(chunk % Tile::kChunk == 0 && at == chunk + element % Tile::kChunk)
          << line << ',' << element;
    }
  const auto bank = [](int line, int element) { return Tile::offset(line, element) * Tile::kSize / 4 % 32; };
  const bool by_words = Tile::kPad > 0;
  const int lines = by_words ? 4 : 8, elements = by_words ? 8 : Tile::kChunk;
  for (int line = 0; line < Tile::kLines; line += lines)
    for (int element = 0; element < Tile::kLength; element += elements) {
      std::set<int> banks;
      for (int i = 0; i < lines; ++i)
        for (int j = 0; j < elements; ++j) banks.insert(bank(line + i, element + j));
      ASSERT_EQ(banks.size(), 32u) << line << ',' << element;
    }
}

template <class Element, class Config>
void check_layouts() {
  using tensor::TensorTile;
  check_layout<TensorTile<Config, Element, Config::kTileRows, true>>();
  check_layout<TensorTile<Config, Element, Config::kTileRows, false>>();
  check_layout<TensorTile<Config, Element, Config::kTileColumns, true>>();
  check_layout<TensorTile<Config, Element, Config::kTileColumns, false>>();
}

TEST(TensorTile, LayoutsStayInsideAndMeetAllBanks) {
  const auto check = []<class Config>(Config) {
    check_layouts<float, Config>();
    check_layouts<simt::half, Config>();
  };
  for (const int64_t width : {16, 32, 64, 128}) {
    tensor::with_tile(width, check);
    tensor::with_wgrad_tile(width, 128, check);
    tensor::with_wgrad_tile(width, 32, check);
  }
}

}  // namespace
}  // namespace gabor::kernels::conv2d
