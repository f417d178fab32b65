#include "model/step_cost.h"

#include <gtest/gtest.h>

#include "model/nets.h"

namespace gabor {
namespace {

TEST(StepCost, OfTheArticleByHand) {
  const auto library = make_library("cpu", 0);
  const std::vector<StepCost> costs =
      step_costs(compile(find_model("article"), *library, testing::article_options(2)));
  ASSERT_EQ(costs.size(), 3u);
  EXPECT_EQ(costs[0].op, "first_block");
  EXPECT_EQ(costs[0].layer, "conv");
  EXPECT_EQ(costs[0].backend, "cpu");
  EXPECT_EQ(costs[0].fused, "normalize+conv2d+relu+max_pool -> first_block (cpu)");
  EXPECT_EQ(costs[0].output, (Shape{148, 148, 10}));
  const int64_t pooled = 2 * 148 * 148 * 10, products = 2 * 2 * int64_t{296} * 296 * 10 * 75;
  EXPECT_EQ(costs[0].flops, products + products / 4);
  EXPECT_GE(costs[0].kept_bytes, pooled * 4);  // read again by the dense layer
  EXPECT_LE(costs[0].kept_bytes,
            pooled * 4 + pooled * 1.02);  // and about a byte of arg-max for each, in whole vectors
  EXPECT_EQ(costs[1].op, "dense");
  EXPECT_EQ(costs[1].flops, 3 * 2 * 2 * int64_t{219040} * 2);  // three products
  EXPECT_EQ(costs[1].kept_bytes, 0);
  EXPECT_EQ(costs[1].fused, "");
  // Forward reads x, w, b and writes y; backward reads x, w and dy and writes dx, dw and db.
  EXPECT_EQ(costs[1].moved_bytes, 4 * (3 * pooled + 3 * 438080 + 2 * 2 + 2 * 4));
}

TEST(StepCost, NamesEveryBackendOfAStep) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = 1;
  o.input = {8, 8, 3};
  o.classes = 2;
  const std::vector<StepCost> costs = step_costs(testing::compile_text(
      "[[layer]]\ntype = \"conv2d\"\nname = \"c\"\nfilters = 2\nkernel = 3\nbackend = \"reference\"\n"
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n",
      *library, o));
  for (const StepCost& c : costs) {
    EXPECT_EQ(c.backend, c.op == "conv2d" ? "reference" : "cpu") << c.op;
    EXPECT_EQ(c.fused, "") << c.op;
  }
}

// What backward keeps of a net where every value has its own place, and what the same net holds eagerly.
TEST(StepCost, EagerHoldsEveryValue) {
  const auto library = make_library("cpu", 0);
  const size_t eager =
      compile_eager(find_model("article"), *library, testing::article_options(2)).memory.arena_bytes;
  const size_t picture = 300 * 300 * 3 * 4, map = 296 * 296 * 10 * 4, pooled = 148 * 148 * 10 * 4;
  // Values: the normalised picture, the map before and after ReLU, the pooled map. Gradients: at most the two of the
  // map at once.
  EXPECT_GE(eager, 2 * (picture + 4 * map + pooled));
  EXPECT_LE(eager, 2 * (picture + 4 * map + 2 * pooled) + 1024);
  EXPECT_GT(eager,
            6 * compile(find_model("article"), *library, testing::article_options(2)).memory.arena_bytes);
}

}  // namespace
}  // namespace gabor
