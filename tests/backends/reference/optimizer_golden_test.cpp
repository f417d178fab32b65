// 100 steps of every optimizer against PyTorch's in double (golden/optimizers.py wrote the values).
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "backends/reference/formulas.h"

namespace gabor {
namespace {

constexpr int kCount = 8;

struct Golden {
  OptimizerProblem problem;
  int step = 0;
  std::vector<double> w;
};

std::vector<Golden> read_golden() {
  std::ifstream file(std::string(GABOR_SOURCE_DIR) + "/tests/golden/optimizers.txt");
  std::vector<Golden> all;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name, decay, value;
    Golden g;
    words >> name >> decay >> g.step;
    EXPECT_TRUE(parse_optimizer(name, g.problem.kind)) << line;
    if (decay == "decay") g.problem.weight_decay = 0.01f;
    while (words >> value) g.w.push_back(std::strtod(value.c_str(), nullptr));
    EXPECT_EQ(g.w.size(), size_t(kCount)) << line;
    all.push_back(g);
  }
  return all;
}

// The run of optimizers.py: loss sum of a_i/2 (w_i - c_i)^2, learning rate 1/64.
std::vector<double> run(const OptimizerProblem& p, int steps) {
  std::vector<double> w(kCount), g(kCount), m(kCount), v(kCount);
  for (int i = 0; i < kCount; i++) w[size_t(i)] = (i % 3 - 1) / 2.0;
  const ParameterSegment all[] = {{0, 3, true}, {3, kCount - 3, true}};
  for (int t = 1; t <= steps; t++) {
    for (int i = 0; i < kCount; i++) g[size_t(i)] = (i + 1) / 8.0 * (w[size_t(i)] - (i - 3) / 4.0);
    reference::optimizer_update(p, all, 1.0 / 64, t, 1, w.data(), g.data(),
                                p.moments() >= 1 ? m.data() : nullptr, p.moments() >= 2 ? v.data() : nullptr);
  }
  return w;
}

TEST(OptimizerGolden, HundredStepsAsPyTorch) {
  const std::vector<Golden> all = read_golden();
  ASSERT_EQ(all.size(), 30u);  // 5 kinds, with and without decay, after 1, 10 and 100 steps
  for (const Golden& g : all) {
    const std::vector<double> w = run(g.problem, g.step);
    for (size_t i = 0; i < w.size(); i++)
      EXPECT_NEAR(w[i], g.w[i], 1e-12) << name_of(g.problem.kind) << " decay " << g.problem.weight_decay
                                       << " step " << g.step << " element " << i;
  }
}

TEST(OptimizerGolden, BiasesAreNotDecayed) {
  OptimizerProblem p;
  p.kind = OptimizerKind::sgd, p.weight_decay = 0.5f;
  double w[] = {2, 2, 2}, g[] = {0, 0, 0};
  const ParameterSegment segments[] = {{0, 1, true}, {1, 1, false}};  // element 2 belongs to nobody
  reference::optimizer_update<double>(p, segments, 0.25, 1, 1, w, g, nullptr, nullptr);
  EXPECT_EQ(w[0], 2 - 0.25 * 0.5 * 2);
  EXPECT_EQ(w[1], 2);
  EXPECT_EQ(w[2], 2);
}

}  // namespace
}  // namespace gabor
