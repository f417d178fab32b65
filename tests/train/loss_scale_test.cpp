// The rule by which the loss is scaled, and that it does not depend on when a device tells its outcomes.
#include "optim/loss_scale.h"

#include <gtest/gtest.h>

#include <vector>

namespace gabor {
namespace {

// Runs steps, of which `finite` says whether their gradients are numbers; returns the scale of each. A device that works by
// itself finishes a step only once the next has begun; `saved_after`, that many steps, is where the run is resumed.
std::vector<float> scales(LossScale& scale, const std::vector<bool>& finite, bool late,
                          size_t saved_after = SIZE_MAX) {
  std::vector<float> used;
  size_t finished = 0;
  const auto finish_all_but = [&](size_t left) {
    for (; used.size() - finished > left; finished++) scale.finish_step({used[finished], finite[finished]});
  };
  while (used.size() < finite.size()) {
    used.push_back(scale.begin_step());
    finish_all_but(late ? 1 : 0);
    if (used.size() != saved_after) continue;
    finish_all_but(0);
    scale = LossScale(scale.state());
  }
  finish_all_but(0);
  return used;
}

std::vector<float> scales(const std::vector<bool>& finite, bool late = false) {
  LossScale scale;
  return scales(scale, finite, late);
}

TEST(LossScale, IsHalvedTwoStepsAfterAnOverflow) {
  EXPECT_EQ(scales({true, true, true}), (std::vector<float>(3, LossScaleState{}.scale)));
  // Steps 0 and 1 both ran with 2^16, of which the first has said already that it is too much.
  EXPECT_EQ(scales({false, false, true, true, true}),
            (std::vector<float>{65536, 65536, 32768, 32768, 32768}));
  EXPECT_EQ(scales({false, false, false, false, true}),
            (std::vector<float>{65536, 65536, 32768, 32768, 16384}));
}

TEST(LossScale, IsDoubledAfterAThousandGoodStepsInARow) {
  std::vector<bool> finite(1200, true);
  std::vector<float> used = scales(finite);
  EXPECT_EQ(used[LossScale::kPatience], 65536);
  EXPECT_EQ(used[LossScale::kPatience + 1], 131072);
  finite[300] = false;
  used = scales(finite);
  EXPECT_EQ(used[302], 32768);
  EXPECT_EQ(used.back(), 32768) << "counted from the overflow on";
}

TEST(LossScale, StaysWithinItsBounds) {
  LossScale low;
  EXPECT_EQ(scales(low, std::vector<bool>(60, false), false).back(), LossScale::kLeast);
  LossScale high({.scale = LossScale::kMost});
  EXPECT_EQ(scales(high, std::vector<bool>(1100, true), false).back(), LossScale::kMost);
}

TEST(LossScale, IsTheSameOnEveryDeviceAndAfterAResume) {
  std::vector<bool> finite;
  for (int i = 0; i < 1500; i++) finite.push_back(i % 331 > 1 && i % 1009 != 500);
  const std::vector<float> want = scales(finite);
  EXPECT_NE(want.front(), want.back());
  EXPECT_EQ(scales(finite, true), want);
  for (const size_t saved_after : {1, 2, 331, 332, 333, 334, 1000})
    for (const bool late : {false, true}) {
      LossScale scale;
      EXPECT_EQ(scales(scale, finite, late, saved_after), want) << saved_after << late;
    }
}

}  // namespace
}  // namespace gabor
