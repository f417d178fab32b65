#include "optim/schedule.h"

#include <gtest/gtest.h>

namespace gabor {
namespace {

TEST(Schedule, Constant) {
  const Schedule s{ScheduleKind::constant, 0.1f, 100, 0};
  EXPECT_FLOAT_EQ(s.at(0), 0.1f);
  EXPECT_FLOAT_EQ(s.at(99), 0.1f);
}

TEST(Schedule, WarmupRisesLinearly) {
  const Schedule s{ScheduleKind::constant, 0.1f, 100, 10};
  EXPECT_FLOAT_EQ(s.at(0), 0.01f);
  EXPECT_FLOAT_EQ(s.at(4), 0.05f);
  EXPECT_FLOAT_EQ(s.at(9), 0.1f);
}

TEST(Schedule, CosineGoesFromRateToNothing) {
  const Schedule s{ScheduleKind::cosine, 0.2f, 100, 0};
  EXPECT_FLOAT_EQ(s.at(0), 0.2f);
  EXPECT_NEAR(s.at(50), 0.1f, 1e-6);
  EXPECT_NEAR(s.at(100), 0, 1e-7);
  EXPECT_NEAR(s.at(1000), 0, 1e-7);  // a run that was made longer stays at the end
}

TEST(Schedule, StepFallsTwice) {
  const Schedule s{ScheduleKind::step, 1, 100, 0};
  EXPECT_FLOAT_EQ(s.at(49), 1);
  EXPECT_FLOAT_EQ(s.at(50), 0.1f);
  EXPECT_FLOAT_EQ(s.at(75), 0.01f);
}

}  // namespace
}  // namespace gabor
