#include "layers/initializer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gabor {
namespace {

TEST(Initializer, SpreadAndMomentsOfEveryKind) {
  const Fans fans{75, 250};
  for (const std::string& name : initializer_names()) {
    Initializer init;
    ASSERT_TRUE(parse_initializer(name, init));
    init.value = 0.25f;
    std::vector<float> w(200000);
    initialize(init, fans, {1, Purpose::init, 0, 3}, w);
    double mean = 0, square = 0, largest = 0;
    for (float x : w) mean += x, square += double(x) * x, largest = std::fmax(largest, std::fabs(x));
    mean /= double(w.size()), square /= double(w.size());
    const double s = spread(init, fans);
    if (init.kind == InitKind::constant) {
      EXPECT_FLOAT_EQ(float(mean), 0.25f);
      continue;
    }
    const bool normal = name == "normal" || name.ends_with("_normal");
    EXPECT_NEAR(mean, 0, 4 * s / std::sqrt(double(w.size()))) << name;
    EXPECT_NEAR(std::sqrt(square), normal ? s : s / std::sqrt(3.0), 0.01 * s) << name;
    if (!normal) {
      EXPECT_LE(largest, s * (1 + 1e-6)) << name;
    }
    std::vector<float> again(w.size());
    initialize(init, fans, {1, Purpose::init, 0, 3}, again);
    EXPECT_EQ(w, again);
    initialize(init, fans, {2, Purpose::init, 0, 3}, again);
    EXPECT_NE(w, again);
  }
}

}  // namespace
}  // namespace gabor
