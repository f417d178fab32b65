#include "kernels/conv2d/rung.h"

#include <gtest/gtest.h>

#include <memory>

#include "kernels/problem_count.h"

namespace gabor::kernels::conv2d {
namespace {

using simt::DeviceArray;

template <class Element>
Results run_as(const Case& c, const Rung& rung, int slices) {
  const auto& p = c.p;
  DeviceArray<Element> x(stored<Element>(c.x), "x"), w(stored<Element>(c.w), "w"),
      dy(stored<Element>(c.dy), "dy");
  DeviceArray<float> b(c.b, "b");
  DeviceArray<Element> y(c.dy.size(), "y");
  // What is not accumulated starts unwritten, as NaN: the checker reports reads of it.
  const auto gradient = [&]<class T>(const std::vector<T>& old, const char* name) {
    return c.accumulate ? std::make_unique<DeviceArray<T>>(old, name)
                        : std::make_unique<DeviceArray<T>>(old.size(), name);
  };
  const auto dx = gradient(stored<Element>(c.old_dx), "dx");
  const auto dw = gradient(c.old_dw, "dw"), db = gradient(c.old_db, "db");
  DeviceArray<float> workspace(rung.workspace(p, slices) / sizeof(float), "workspace");
  DeviceArray<unsigned> counters(std::vector<unsigned>(kJoinCounters), "counters");

  EXPECT_TRUE(rung.takes(p));
  rung.fprop(p, c.storage, x.data(), w.data(), c.with_bias ? b.data() : nullptr, y.data(), nullptr);
  rung.dgrad(p, c.storage, dy.data(), w.data(), dx->data(), c.accumulate, nullptr);
  rung.wgrad(p, c.storage, x.data(), dy.data(), dw->data(), c.with_bias ? db->data() : nullptr, c.accumulate,
             slices, {workspace.data(), counters.data()}, nullptr);
  EXPECT_EQ(counters.values(), std::vector<unsigned>(kJoinCounters));
  return {floats(y.values()), floats(dx->values()), dw->values(),
          c.with_bias ? db->values() : std::vector<float>()};
}

}  // namespace

Results run(const Case& c, const Rung& rung, int slices) {
  if (c.storage == Storage::f16) return run_as<simt::half>(c, rung, slices);
  if (c.storage == Storage::bf16) return run_as<simt::bfloat16>(c, rung, slices);
  return run_as<float>(c, rung, slices);
}

void expect_right(const Case& c, const Results& got, Data data, double f32_factor_u) {
  const double u = c.storage == Storage::f32 ? f32_factor_u : 0;
  SCOPED_TRACE(describe(c));
  EXPECT_EQ(judge(fprop_sums(c), got.y, c.storage, data, c.p.activation, u), "") << "fprop";
  EXPECT_EQ(judge(dgrad_sums(c), got.dx, c.storage, data, {}, u), "") << "dgrad";
  EXPECT_EQ(judge(wgrad_sums(c), got.dw, Storage::f32, data, {}, u), "") << "wgrad";
  if (c.with_bias) {
    EXPECT_EQ(judge(bias_sums(c), got.db, Storage::f32, data, {}, u), "") << "db";
  }
}

void check_random_problems(const Rung& rung, int count, Conv2dProblem (*draw)(std::mt19937&)) {
  std::mt19937 random(1 + kernel_tests::seed_of_this_run());
  int drawn = 0;
  for (; drawn < count && !testing::Test::HasFailure(); ++drawn) {
    const Storage storage = drawn % 3 != 0 ? Storage::f32 : drawn % 2 != 0 ? Storage::f16 : Storage::bf16;
    const Data data = drawn % 4 == 1 ? Data::integers : Data::reals;
    const Case c = make_case(draw(random), storage, data, random);
    const int slices =
        drawn % 8 == 7 ? 2 * kSlicesOfGroup + 3 : 1 + drawn % 4;  // joined in groups, or at once
    expect_right(c, run(c, rung, slices), data, rung.f32_factor_u);
  }
  for (const char* pass : {"fprop", "dgrad", "wgrad"})
    kernel_tests::report_problems(std::string("conv2d ") + rung.name + " " + pass, drawn);
}

}  // namespace gabor::kernels::conv2d
