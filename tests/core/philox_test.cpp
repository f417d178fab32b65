#include "core/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace gabor {
namespace {

// Known answers that come with the authors' Random123 library (kat_vectors, philox4x32 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Philox4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t f = 0xffffffff;
  EXPECT_EQ(philox4x32_10({f, f, f, f}, {f, f}), (Philox4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Philox4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// Every field of the key takes part: streams that differ in one of them differ.
TEST(Philox, KeysGiveDifferentStreams) {
  std::vector<RandomKey> keys = {{0, Purpose::init, 0, 0},    {1, Purpose::init, 0, 0},
                                 {1ull << 32, Purpose::init}, {0, Purpose::dropout, 0, 0},
                                 {0, Purpose::init, 1, 0},    {0, Purpose::init, 1ull << 32, 0},
                                 {0, Purpose::init, 0, 1}};
  std::set<Philox4> blocks;
  for (const RandomKey& key : keys)
    for (uint32_t i : {0u, 1u, 1u << 31}) blocks.insert(key.block(i));
  EXPECT_EQ(blocks.size(), keys.size() * 3);
}

TEST(Random, DrawsTheBlocksInOrder) {
  const RandomKey key{5, Purpose::test, 2, 3};
  Random random(key);
  for (uint32_t block = 0; block < 3; block++)
    for (uint32_t expected : key.block(block)) EXPECT_EQ(random.bits(), expected);
}

TEST(Random, UnitFloatStaysBelowOne) {
  EXPECT_EQ(unit_float(0), 0.0f);
  EXPECT_LT(unit_float(0xffffffff), 1.0f);
  EXPECT_EQ(unit_float(0x80000000), 0.5f);
}

// below(bound) of every number of draws would be exactly uniform; of 600,000 the counts lie within 5
// deviations.
TEST(Random, BelowIsUniform) {
  for (uint32_t bound : {1u, 2u, 3u, 7u, 10u, 64u}) {
    Random random({1, Purpose::test, bound});
    std::vector<int> count(bound);
    constexpr int draws = 600000;
    for (int i = 0; i < draws; i++) {
      const uint32_t v = random.below(bound);
      ASSERT_LT(v, bound);
      count[v]++;
    }
    const double p = 1.0 / bound;
    for (int c : count) EXPECT_NEAR(c, draws * p, 5 * std::sqrt(draws * p * (1 - p))) << bound;
  }
}

// With bound = 3 * 2^30 a product without rejection would give every third value twice as often: 0, 3, 6, ...
TEST(Random, BelowRejectsTheUnevenRest) {
  Random random({2, Purpose::test});
  constexpr uint32_t bound = 3u << 30;
  constexpr int draws = 300000;
  int multiples_of_three = 0;
  for (int i = 0; i < draws; i++) multiples_of_three += random.below(bound) % 3 == 0;
  EXPECT_NEAR(multiples_of_three, draws / 3.0, 5 * std::sqrt(draws * 2 / 9.0));
}

TEST(Random, UniformHasItsMoments) {
  Random random({3, Purpose::test});
  constexpr int draws = 1000000;
  double sum = 0, squares = 0;
  for (int i = 0; i < draws; i++) {
    const double v = random.uniform(-2.0f, 4.0f);
    ASSERT_GE(v, -2.0);
    ASSERT_LT(v, 4.0);
    sum += v, squares += v * v;
  }
  // Mean 1, variance 36/12.
  EXPECT_NEAR(sum / draws, 1, 5 * std::sqrt(3.0 / draws));
  EXPECT_NEAR(squares / draws, 3 + 1, 0.03);
}

TEST(Random, NormalHasItsMoments) {
  Random random({4, Purpose::test});
  constexpr int draws = 1000000;
  double moment[5] = {};
  int beyond_two = 0;
  for (int i = 0; i < draws; i++) {
    const double v = random.normal();
    ASSERT_TRUE(std::isfinite(v));
    for (int k = 1; k <= 4; k++) moment[k] += std::pow(v, k) / draws;
    beyond_two += std::fabs(v) > 2;
  }
  // Deviations of the sample moments: sqrt(1, 2, 15, 96) / sqrt(draws).
  EXPECT_NEAR(moment[1], 0, 5 * std::sqrt(1.0 / draws));
  EXPECT_NEAR(moment[2], 1, 5 * std::sqrt(2.0 / draws));
  EXPECT_NEAR(moment[3], 0, 5 * std::sqrt(15.0 / draws));
  EXPECT_NEAR(moment[4], 3, 5 * std::sqrt(96.0 / draws));
  EXPECT_NEAR(double(beyond_two) / draws, 0.0455003, 5 * std::sqrt(0.0455 * 0.9545 / draws));
}

}  // namespace
}  // namespace gabor
