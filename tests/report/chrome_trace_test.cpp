#include "report/chrome_trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace gabor {
namespace {

TEST(ChromeTrace, HasAnEventForEachSpanAndANameForEachLane) {
  ChromeTrace trace;
  trace.add("ops", "conv \"1\" forward", 0.25, 0.5);
  trace.add("loader", "wait", 0.75, 0);
  trace.add("ops", "update", 1, 0.125);
  const auto events = nlohmann::json::parse(trace.json()).at("traceEvents");
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].at("args").at("name"), "ops");
  EXPECT_EQ(events[1].at("args").at("name"), "loader");
  EXPECT_EQ(events[2].at("name"), "conv \"1\" forward");
  EXPECT_EQ(events[2].at("ts"), 250000);  // microseconds
  EXPECT_EQ(events[2].at("dur"), 500000);
  EXPECT_EQ(events[2].at("tid"), events[4].at("tid"));
  EXPECT_NE(events[2].at("tid"), events[3].at("tid"));
  for (size_t i = 2; i < 5; i++) EXPECT_EQ(events[i].at("ph"), "X");
}

}  // namespace
}  // namespace gabor
