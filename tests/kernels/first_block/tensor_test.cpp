// The rung of the fused first block on tensor cores against the oracle. (Host execution adds the products of an mma in
// double: the budget, which allows float's roundings, is for the GPU.)
#include <cstdio>

#include "kernels/first_block/calls.h"
#include "kernels/first_block/whole_pixels.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;

constexpr FirstBlockRung kTensor = FirstBlockRung::tensor;
constexpr Normalize kUnit{{1 / 255.0f, 1 / 255.0f, 1 / 255.0f, 1 / 255.0f}, {}};
constexpr Normalize kCentered{{1 / 127.5f, 1 / 127.5f, 1 / 127.5f, 1 / 127.5f}, {-1, -1, -1, -1}};
constexpr Normalize kWhole{{2, 2, 2, 2}, {-4, -4, -4, -4}};  // exact on whole numbers
constexpr Normalize kScales{{2, 1, 3, 0.5f}, {}};

// As random_first_block, of those that the rung takes.
FirstBlockProblem random_problem(Rng& rng, Data data, bool wide) {
  for (;;) {
    FirstBlockProblem p = random_first_block(rng, {.any_convolution = false, .wide = wide});
    p.input = DType::u8;
    const int choice = below(rng, 3);
    if (data == Data::integer) {
      p.normalize = choice == 0 ? kScales : kWhole;
    } else {
      p.normalize = choice == 0 ? kUnit : kCentered;
      if (choice == 0) p.normalize.scale[0] = 0.02f;
    }
    if (first_block_tensor_forward_takes(p) && first_block_tensor_backward_takes(p)) return p;
  }
}

Data real_or_integer(int index) { return index / 4 % 2 == 0 ? Data::real : Data::integer; }

constexpr int kShapes = 150;

TEST(FirstBlockTensor, ForwardOfRandomShapes) {
  Rng rng(1 + seed_of_this_run());
  for (int i = 0; i < kShapes && !HasFailure(); ++i) {
    const Data data = real_or_integer(i);
    check_forward(random_case(rng, random_problem(rng, data, i % 4 == 3), storage_of(i, data), data), kTensor,
                  i % 5 != 0);
  }
  std::printf("first_block forward tensor: %d random shapes here, %d in the six runs\n", kShapes,
              6 * kShapes);
}

TEST(FirstBlockTensor, BackwardOfRandomShapes) {
  Rng rng(100 + seed_of_this_run());
  for (int i = 0; i < kShapes && !HasFailure(); ++i) {
    const Data data = real_or_integer(i);
    const FirstBlockCase c =
        random_case(rng, random_problem(rng, data, i % 4 == 3), storage_of(i, data), data);
    check_backward(c, kTensor, c.winners, i % 2 == 0, i % 5 != 0, 1 + i % 4);
  }
  std::printf("first_block backward tensor: %d random shapes here, %d in the six runs\n", kShapes,
              6 * kShapes);
}

FirstBlockProblem block_of(int64_t N, int64_t H, int64_t W, int64_t C, int64_t K, int64_t R, int64_t S,
                           const Normalize& normalize = kCentered) {
  FirstBlockProblem p;
  p.conv = {.N = N, .H = H, .W = W, .C = C, .K = K, .R = R, .S = S, .pad = {}, .activation = {}};
  p.conv.activation.kind = ActivationKind::relu;
  p.pool.N = N, p.pool.H = p.conv.P(), p.pool.W = p.conv.Q(), p.pool.C = K;
  p.normalize = normalize;
  return p;
}

// Forward's own arg-max goes into backward, as in training: the article's layer, images of several tiles each way and read
// by words or not, more filters than a block has.
TEST(FirstBlockTensor, ThereAndBack) {
  Rng rng(200 + seed_of_this_run());
  for (const FirstBlockProblem& p :
       {block_of(2, 44, 48, 3, 10, 5, 5), block_of(1, 24, 183, 3, 2, 5, 5), block_of(3, 8, 8, 1, 33, 3, 3),
        block_of(2, 12, 13, 4, 6, 5, 4), block_of(1, 40, 21, 1, 3, 3, 16, kUnit)}) {
    const FirstBlockCase c = random_case(rng, p, Storage::f32, Data::real);
    check_forward(c, kTensor);
    const std::vector<int> winners = unpacked(p, forward<float>(c, kTensor).argmax);
    for (const int slices : {1, 2, 7, 40}) check_backward(c, kTensor, winners, true, true, slices);
  }
}

// Weights and gradients from large to tiny in one sum are as good as in float.
TEST(FirstBlockTensor, WeightsAndGradientsOfAllMagnitudes) {
  Rng rng(300 + seed_of_this_run());
  for (const int spread : {0, 8, 20, 60}) {
    FirstBlockCase c = random_case(rng, block_of(2, 12, 14, 3, 10, 5, 5), Storage::f32, Data::real);
    for (float& w : c.w) w = std::ldexp(w, -below(rng, spread + 1));
    for (float& d : c.dy) d = std::ldexp(d, below(rng, spread + 1) - spread / 2);
    check_forward(c, kTensor);
    check_backward(c, kTensor, c.winners, false, true, 2);
  }
}

// Of images that are the middle gray: products and what is left of the scaling nearly cancel.
TEST(FirstBlockTensor, GrayImages) {
  Rng rng(400);
  FirstBlockCase c = random_case(rng, block_of(1, 12, 14, 3, 10, 5, 5), Storage::f32, Data::real);
  for (uint8_t& v : c.bytes) v = uint8_t(127 + below(rng, 2));
  check_forward(c, kTensor);
  check_backward(c, kTensor, c.winners, false, true, 2);
}

TEST(FirstBlockTensor, NanAndInfinityStayInTheirFilters) {
  Rng rng(7);
  FirstBlockCase c = random_case(rng, block_of(2, 7, 9, 3, 10, 3, 3), Storage::f32, Data::real);
  c.w[3 * 27 + 5] = NAN, c.w[8 * 27] = NAN;
  const ForwardResult<float> got = forward<float>(c, kTensor);
  for (size_t i = 0; i < got.y.size(); ++i) EXPECT_EQ(std::isnan(got.y[i]), i % 10 == 3 || i % 10 == 8) << i;

  c.winners.assign(c.winners.size(), 2);
  c.dy[3] = NAN, c.dy[9] = INFINITY;
  c.dy[1] = NAN, c.winners[1] = -1;
  const Gradients gradients = backward<float>(c, kTensor, packed(c.p, c.winners), false, true, 2);
  for (size_t i = 0; i < gradients.dw.size(); ++i) {
    EXPECT_EQ(std::isfinite(gradients.dw[i]), i / 27 != 3 && i / 27 != 9) << i;
    if (i / 27 == 3) EXPECT_TRUE(std::isnan(gradients.dw[i])) << i;
  }
}

TEST(FirstBlockTensor, SameBitsTwice) {
  Rng rng(8);
  const FirstBlockCase c = random_case(rng, block_of(2, 20, 37, 3, 9, 5, 3), Storage::f32, Data::real);
  EXPECT_EQ(forward<float>(c, kTensor).y, forward<float>(c, kTensor).y);
  const Gradients one = backward<float>(c, kTensor, packed(c.p, c.winners), false, true, 3);
  const Gradients two = backward<float>(c, kTensor, packed(c.p, c.winners), false, true, 3);
  EXPECT_EQ(one.dw, two.dw);
  EXPECT_EQ(one.db, two.db);
}

TEST(FirstBlockTensor, WhatItTakes) {
  const FirstBlockProblem article = block_of(128, 300, 300, 3, 10, 5, 5);
  EXPECT_TRUE(first_block_tensor_forward_takes(article));
  EXPECT_TRUE(first_block_tensor_backward_takes(article));
  EXPECT_EQ(first_block_tensor_slices(article, 132), 264);
  const auto takes = [&](auto change) {
    FirstBlockProblem p = article;
    change(p);
    p.pool.H = p.conv.P(), p.pool.W = p.conv.Q();
    const bool forward = first_block_tensor_forward_takes(p);
    EXPECT_EQ(forward, first_block_tensor_backward_takes(p));
    return forward;
  };
  EXPECT_FALSE(takes([](auto& p) { p.input = DType::f32; }));
  EXPECT_FALSE(takes([](auto& p) { p.conv.R = 4; }));
  EXPECT_FALSE(takes([](auto& p) { p.conv.S = 6; }));
  EXPECT_FALSE(takes([](auto& p) { p.conv.stride_w = 2; }));
  EXPECT_FALSE(takes([](auto& p) { p.conv.dil_h = 2; }));
  EXPECT_FALSE(takes([](auto& p) { p.normalize.shift[1] = -0.99f; }));
  EXPECT_FALSE(takes([](auto& p) { p.normalize.scale[2] = 0; }));
  EXPECT_FALSE(takes([](auto& p) { p.normalize.scale[0] = NAN; }));
  const auto padded = [](auto& p) { p.conv.pad = {2, 2, 2, 2}; };
  EXPECT_EQ(takes(padded), first_block::whole_pixels(article)->rest[0] == 0);
  EXPECT_TRUE(takes([&](auto& p) { padded(p), p.normalize = kUnit; }));

  FirstBlockProblem p = article;
  p.conv.R = 4, p.pool.H = p.conv.P();
  EXPECT_THROW(
      first_block_forward(p, Storage::f32, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, kTensor),
      simt::Error);
}

}  // namespace
}  // namespace gabor::kernels
