// What an update reads of its step.
#include "ops/optimizer.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace gabor {
namespace {

// Numbers for which every operation is exact.
TEST(UpdateValues, CorrectTheBiasOfAdam) {
  const OptimizerProblem p{.beta1 = 0.5f, .beta2 = 0.75f, .epsilon = 0.125f};
  const UpdateValues first = update_values(p, 0.25f, 1);
  EXPECT_EQ(first.t, 1);
  EXPECT_EQ(first.lr, 0.25f);
  EXPECT_EQ(first.adam_rate, 0.25f * 0.5f / 0.5f);
  EXPECT_EQ(first.adam_epsilon, 0.125f * 0.5f);
  const UpdateValues late = update_values(p, 0.25f, 100000);  // nothing is left to correct
  EXPECT_EQ(late.adam_rate, 0.25f);
  EXPECT_EQ(late.adam_epsilon, 0.125f);
}

TEST(UpdateValues, AreCountedFromOne) { EXPECT_THROW(update_values({}, 0.25f, 0), Error); }

}  // namespace
}  // namespace gabor
