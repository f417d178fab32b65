// The kernels of kernels/roofs do the work that they are counted for: every byte is copied, every multiply-add of every
// chain has left its trace in the sums, which are whole numbers or halves of few bits, and so exact.
#include "kernels/roofs/roofs.h"

#include "kernels/judge.h"
#include "kernels/problem_count.h"
#include "kernels/roofs/roofs.cuh"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using simt::DeviceArray;

TEST(RoofKernels, CopyIsWhole) {
  constexpr int kCopies = 100;
  Rng rng(1 + seed_of_this_run());
  for (int i = 0; i < kCopies; ++i) {
    const size_t bytes = size_t(below(rng, 4) ? between(rng, 0, 300) : between(rng, 5000, 20000));
    std::vector<unsigned char> host(bytes);
    for (unsigned char& v : host) v = static_cast<unsigned char>(rng());
    DeviceArray<unsigned char> x(host, "x"), y(bytes, "y");
    copy_bytes(between(rng, 1, 3), x.data(), y.data(), int64_t(bytes), nullptr);
    EXPECT_EQ(y.values(), host) << bytes << " bytes";
  }
  report_problems("roofs copy", kCopies);
}

// What the chains of a thread add up to after so many rounds.
double ffma_sum(int rounds) {
  double sum = 0;
  for (int c = 0; c < RoofConfig::kChains; ++c) sum += 1 + std::ldexp(double(c), -rounds);
  return sum;
}
double matrix_sum(int rounds, int depth) {
  double sum = 0;
  for (int t = 0; t < RoofConfig::kTiles; ++t) sum += 4 * (t + rounds * depth / 8.0);
  return sum;
}

TEST(RoofKernels, EveryMultiplyAddIsDone) {
  for (const int blocks : {1, 3})
    for (const int rounds : {0, 1, 2, 7}) {
      const auto check = [&](RoofMath math, double want, double flops_of_a_thread) {
        const size_t threads = size_t(blocks) * kRoofThreads;
        DeviceArray<float> sums(threads, "sums");
        const double flops = multiply_adds(math, blocks, rounds, sums.data(), nullptr);
        EXPECT_EQ(sums.values(), std::vector<float>(threads, float(want))) << int(math) << " " << rounds;
        EXPECT_EQ(flops, flops_of_a_thread * rounds * double(threads));
      };
      check(RoofMath::ffma, ffma_sum(rounds), 2 * RoofConfig::kChains);
      // A warp's instruction multiplies 16 x depth by depth x 8.
      const auto matrix_flops = [](int depth) { return 2.0 * 16 * 8 * depth / 32 * RoofConfig::kTiles; };
      check(RoofMath::tf32, matrix_sum(rounds, 8), matrix_flops(8));
      check(RoofMath::f16, matrix_sum(rounds, 16), matrix_flops(16));
      check(RoofMath::bf16, matrix_sum(rounds, 16), matrix_flops(16));
    }
}

TEST(RoofKernels, RoundsHaveALimit) {
  DeviceArray<float> sums(kRoofThreads, "sums");
  EXPECT_THROW(multiply_adds(RoofMath::ffma, 1, (int64_t{1} << 30) + 1, sums.data(), nullptr), simt::Error);
  EXPECT_THROW(multiply_adds(RoofMath::ffma, 1, -1, sums.data(), nullptr), simt::Error);
}

}  // namespace
}  // namespace gabor::kernels
