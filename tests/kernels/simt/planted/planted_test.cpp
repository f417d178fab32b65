// Runs each planted bug in a child process, which AddressSanitizer may end, and reads what it was ended by.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "kernels/simt/planted/case.h"

// Called by AddressSanitizer at its start. Reports are looked for by their first line: no need of source lines.
extern "C" const char* __asan_default_options() { return "symbolize=0:detect_leaks=0"; }

namespace gabor::simt::planted {

void expect_values(const std::vector<float>& got, const std::vector<float>& want) {
  for (size_t i = 0; i < want.size(); ++i)
    if (!(got.at(i) == want[i]))
      throw Error("wrong value: element " + std::to_string(i) + " is " + std::to_string(got[i]) +
                  ", expected " + std::to_string(want[i]));
}

std::vector<float> small_integers(int count, int which) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(float((i * 7 + i / 5 + which) % 17 - 8));
  return values;
}

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }  // found by GoogleTest

namespace {

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& cases :
       {block_sum_cases(), elementwise_cases(), tensor_gemm_cases(), tile_product_cases(), warp_scan_cases()})
    all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

// The child: status 0 if nothing was wrong, else what was, on stderr.
[[noreturn]] void run_and_leave(const Case& c) {
  try {
    c.run();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(1);
  }
  std::_Exit(0);
}

class Planted : public testing::TestWithParam<Case> {};

TEST_P(Planted, IsCaught) {
  const Case& c = GetParam();
  const Verdict verdict = host::detector() == host::Detector::asan ? c.asan : c.check;
  if (verdict == kUnseen) GTEST_SKIP() << "this flavour is not relied on to see it";
  if (std::string(verdict) == kClean) {
    EXPECT_EXIT(run_and_leave(c), testing::ExitedWithCode(0), "");
  } else {
    EXPECT_DEATH(run_and_leave(c), verdict);
  }
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.name;
  for (char& letter : name)
    if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Bug, Planted, testing::ValuesIn(all_cases()), test_name);

TEST(PlantedCases, EachIsSeenBySomeFlavour) {
  for (const Case& c : all_cases()) EXPECT_TRUE(c.asan != kUnseen || c.check != kUnseen) << c.name;
}

}  // namespace
}  // namespace gabor::simt::planted
