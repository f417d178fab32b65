// The kernels of kernels/first_block against the oracle: random problems, both passes and rungs, all storage types.
// Each flavour and thread order draws problems of its own, so that the six runs of a test together see six times as
// many.
#include "kernels/first_block/first_block.h"

#include <cstdio>

#include "kernels/first_block/calls.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;

constexpr int kShapes = 150;

class FirstBlockKernels : public testing::TestWithParam<FirstBlockRung> {
 protected:
  const char* name() const { return GetParam() == FirstBlockRung::naive ? "naive" : "tiled"; }
  void report(const char* pass) const {
    std::printf("first_block %s %s: %d random shapes here, %d in the six runs\n", pass, name(), kShapes,
                6 * kShapes);
  }
};

TEST_P(FirstBlockKernels, ForwardOfRandomShapes) {
  Rng rng(1 + seed_of_this_run());
  const bool tiled = GetParam() == FirstBlockRung::tiled;
  for (int i = 0; i < kShapes && !HasFailure(); ++i) {
    const FirstBlockProblem p = random_first_block(rng, {.any_convolution = !tiled, .wide = i % 4 == 3});
    const Data data = data_of(i / 4);
    check_forward(random_case(rng, p, storage_of(i, data), data), GetParam(), i % 5 != 0);
  }
  report("forward");
}

TEST_P(FirstBlockKernels, BackwardOfRandomShapes) {
  Rng rng(100 + seed_of_this_run());
  for (int i = 0; i < kShapes && !HasFailure(); ++i) {
    FirstBlockProblem p;
    do {
      p = random_first_block(rng, {.any_convolution = i % 2 == 0, .wide = i % 4 == 3});
    } while (!first_block_tiled_backward_takes(p));
    const Data data = data_of(i / 4);
    const FirstBlockCase c = random_case(rng, p, storage_of(i, data), data);
    check_backward(c, GetParam(), c.winners, i % 2 == 0, i % 5 != 0, 1 + i % 4);
  }
  report("backward");
}

// The article's layer on a small image, and one whose filters have more taps than a block of the backward takes.
FirstBlockProblem block_of(int64_t H, int64_t W, int64_t C, int64_t K, int64_t R, int64_t S) {
  FirstBlockProblem p;
  p.conv = {.N = 2, .H = H, .W = W, .C = C, .K = K, .R = R, .S = S, .pad = {}, .activation = {}};
  p.conv.activation.kind = ActivationKind::relu;
  p.pool.N = 2, p.pool.H = p.conv.P(), p.pool.W = p.conv.Q(), p.pool.C = K;
  return p;
}

// Forward's own arg-max goes into backward, as in training.
TEST_P(FirstBlockKernels, ThereAndBack) {
  Rng rng(200 + seed_of_this_run());
  for (const FirstBlockProblem& p : {block_of(13, 15, 3, 10, 5, 5), block_of(8, 8, 1, 32, 3, 3),
                                     block_of(12, 13, 4, 6, 7, 9), block_of(12, 42, 4, 3, 11, 11)}) {
    const FirstBlockCase c = random_case(rng, p, Storage::f32, Data::real);
    check_forward(c, GetParam());
    const std::vector<int> winners = unpacked(p, forward<float>(c, GetParam()).argmax);
    check_backward(c, GetParam(), winners, true, true, 2);
  }
}

// Images of several tiles of each kernel, and more slices than there are tiles.
TEST_P(FirstBlockKernels, ManyTiles) {
  Rng rng(300 + seed_of_this_run());
  for (const FirstBlockProblem& p : {block_of(36, 40, 1, 3, 2, 2), block_of(20, 70, 1, 2, 3, 1)}) {
    const FirstBlockCase c = random_case(rng, p, Storage::f32, Data::integer);
    check_forward(c, GetParam());
    for (const int slices : {1, 3, 20}) check_backward(c, GetParam(), c.winners, false, true, slices);
  }
}

TEST_P(FirstBlockKernels, NanReachesWhatReadsIt) {
  Rng rng(7);
  FirstBlockProblem p = block_of(7, 7, 3, 4, 3, 3);  // pooled 2 x 2
  p.input = DType::f32;
  FirstBlockCase c = random_case(rng, p, Storage::f32, Data::real);
  c.floats[size_t((7 * 7 + 6) * 3)] = NAN;          // row 0, column 6 of image 1: no window reads it
  c.floats[size_t((7 * 7 + 5 * 7 + 5) * 3)] = NAN;  // row 5, column 5: the last window alone reads it
  const ForwardResult<float> got = forward<float>(c, GetParam());
  for (size_t i = 0; i < got.y.size(); ++i) EXPECT_EQ(std::isnan(got.y[i]), i >= 16 + 12) << i;
  EXPECT_EQ(judge_argmax(c, forward_oracle(c), got.argmax), "");

  c = random_case(rng, p, Storage::f32, Data::real);
  c.winners.assign(c.winners.size(), 2);
  c.dy[4 + 3] = NAN;  // of filter 3
  c.dy[4 + 1] = INFINITY, c.winners[4 + 1] = -1;
  const Gradients gradients = backward<float>(c, GetParam(), packed(p, c.winners), false, true, 2);
  for (size_t i = 0; i < gradients.dw.size(); ++i) EXPECT_EQ(std::isnan(gradients.dw[i]), i / 27 == 3) << i;
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(std::isnan(gradients.db[k]), k == 3) << k;
  for (const float v : gradients.dw) EXPECT_FALSE(std::isinf(v));
}

TEST_P(FirstBlockKernels, SameBitsTwice) {
  Rng rng(8);
  const FirstBlockCase c = random_case(rng, block_of(12, 17, 3, 9, 4, 3), Storage::f32, Data::real);
  EXPECT_EQ(forward<float>(c, GetParam()).y, forward<float>(c, GetParam()).y);
  const Gradients one = backward<float>(c, GetParam(), packed(c.p, c.winners), false, true, 3);
  const Gradients two = backward<float>(c, GetParam(), packed(c.p, c.winners), false, true, 3);
  EXPECT_EQ(one.dw, two.dw);
  EXPECT_EQ(one.db, two.db);
}

INSTANTIATE_TEST_SUITE_P(Rungs, FirstBlockKernels,
                         testing::Values(FirstBlockRung::naive, FirstBlockRung::tiled), [](const auto& rung) {
                           return rung.param == FirstBlockRung::naive ? "naive" : "tiled";
                         });

TEST(FirstBlock, Refuses) {
  const FirstBlockProblem good = block_of(12, 12, 3, 10, 5, 5);
  EXPECT_EQ(first_block_refuses(good), nullptr);
  const auto refused = [&](auto change) {
    FirstBlockProblem p = good;
    change(p);
    return first_block_refuses(p) != nullptr;
  };
  EXPECT_TRUE(refused([](auto& p) { p.conv.activation.kind = ActivationKind::tanh; }));
  EXPECT_TRUE(refused([](auto& p) { p.conv.C = 5; }));
  EXPECT_TRUE(refused([](auto& p) { p.conv.groups = 3; }));
  EXPECT_TRUE(refused([](auto& p) { p.pool.kind = PoolKind::average; }));
  EXPECT_TRUE(refused([](auto& p) { p.pool.stride_w = 1; }));
  EXPECT_TRUE(refused([](auto& p) { p.pool.R = 3; }));
  EXPECT_TRUE(refused([](auto& p) { p.pool.pad.top = 1; }));
  EXPECT_TRUE(refused([](auto& p) { p.pool.W = 7; }));
  EXPECT_TRUE(refused([](auto& p) { p.input = DType::i32; }));
  FirstBlockProblem p = good;
  p.pool.stride_h = 1;
  EXPECT_THROW(first_block_forward(p, Storage::f32, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
               simt::Error);
}

TEST(FirstBlock, TiledRungsAndTheirLimits) {
  FirstBlockProblem article = block_of(300, 300, 3, 10, 5, 5);
  article.conv.N = article.pool.N = 128;
  EXPECT_TRUE(first_block_tiled_forward_takes(article));
  EXPECT_TRUE(first_block_tiled_backward_takes(article));
  EXPECT_EQ(first_block_argmax_bytes(article), size_t(148 * 148 * 5));
  const int slices = first_block_slices(article, 132);
  EXPECT_GE(slices, 132);
  EXPECT_EQ(first_block_workspace_bytes(article, slices), size_t(slices) * 10 * 76 * sizeof(float));
  EXPECT_EQ(first_block_slices(block_of(12, 12, 3, 10, 5, 5), 132), 1);

  EXPECT_TRUE(first_block_tiled_forward_takes(block_of(40, 40, 4, 64, 11, 11)));
  EXPECT_FALSE(first_block_tiled_forward_takes(block_of(60, 60, 4, 10, 15, 15)));
  FirstBlockProblem strided = block_of(60, 60, 3, 10, 5, 5);
  strided.conv.stride_h = 2;
  strided.pool.H = strided.conv.P();
  EXPECT_EQ(first_block_refuses(strided), nullptr);
  EXPECT_FALSE(first_block_tiled_forward_takes(strided));
  EXPECT_TRUE(first_block_tiled_backward_takes(strided));
  EXPECT_THROW(first_block_forward(strided, Storage::f32, nullptr, nullptr, nullptr, nullptr, nullptr,
                                   nullptr, FirstBlockRung::tiled),
               simt::Error);
}

TEST(FirstBlock, AutomaticIsTheTiledRungWhereItCanBe) {
  Rng rng(10);
  const FirstBlockCase c = random_case(rng, block_of(12, 17, 3, 9, 5, 3), Storage::f32, Data::real);
  const std::vector<uint8_t> codes = packed(c.p, c.winners);
  EXPECT_EQ(forward<float>(c, FirstBlockRung::automatic).y, forward<float>(c, FirstBlockRung::tiled).y);
  EXPECT_EQ(backward<float>(c, FirstBlockRung::automatic, codes, false, true, 2).dw,
            backward<float>(c, FirstBlockRung::tiled, codes, false, true, 2).dw);
  FirstBlockProblem p = c.p;
  p.conv.dil_h = 2;
  p.pool.H = p.conv.P();
  EXPECT_FALSE(first_block_tiled_forward_takes(p));
  check_forward(random_case(rng, p, Storage::f32, Data::real), FirstBlockRung::automatic);
}

// The judges have to refuse what a kernel that does nothing would leave, and a winner that is not one.
TEST(FirstBlock, JudgesRefuseZerosAndWrongWinners) {
  Rng rng(9);
  const FirstBlockCase c = random_case(rng, block_of(9, 9, 3, 4, 3, 3), Storage::f32, Data::real);
  const ForwardExpected want = forward_oracle(c);
  EXPECT_GT(worst(std::vector<float>(want.y.value.size()), want.y), 1.0);
  std::vector<int> winners = unpacked(c.p, forward<float>(c, FirstBlockRung::naive).argmax);
  EXPECT_EQ(judge_argmax(c, want, packed(c.p, winners)), "");
  EXPECT_NE(judge_argmax(c, want, packed(c.p, std::vector<int>(winners.size(), -1))), "");
  for (int& winner : winners) winner = winner < 0 ? winner : (winner + 1) % 4;
  EXPECT_NE(judge_argmax(c, want, packed(c.p, winners)), "");
}

}  // namespace
}  // namespace gabor::kernels
