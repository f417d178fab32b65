#include <cstring>

#include "kernels/common/dispatch.cuh"
#include "kernels/common/pack.h"
#include "kernels/roofs/roofs.cuh"
#include "kernels/roofs/roofs.h"

namespace gabor::kernels {
namespace {

using Config = RoofConfig;
static_assert(Config::kThreads == kRoofThreads);

// A register full of v.
template <class Element>
uint32_t operand(float v) {
  Pack<Element, sizeof(uint32_t) / sizeof(Element)> pack;
  for (Element& e : pack.e) e = simt::from_float<Element>(v);
  uint32_t bits = 0;
  std::memcpy(&bits, &pack, sizeof bits);
  return bits;
}

template <class Element>
double run_matrix(const LaunchConfig& grid, int rounds, float* sums) {
  launch(grid, matrix_kernel<Config, Element>, rounds, operand<Element>(0.5f), operand<Element>(0.25f), sums);
  constexpr double kRows = 16, kColumns = 8;  // of the tile of a matrix instruction
  return 2 * kRows * kColumns * kDepth<Element> * Config::kTiles * rounds * grid.grid.x *
         (Config::kThreads / 32);
}

}  // namespace

void copy_bytes(int blocks, const void* x, void* y, int64_t bytes, Stream stream) {
  launch(grid_of(dim3(unsigned(blocks)), Config::kThreads, stream), copy_kernel<Config>,
         static_cast<const unsigned char*>(x), static_cast<unsigned char*>(y), bytes);
}

double multiply_adds(RoofMath math, int blocks, int64_t rounds, float* sums, Stream stream) {
  if (rounds < 0 || rounds > int64_t{1} << 30) throw simt::Error("multiply_adds: rounds are not 0 to 2^30");
  const LaunchConfig grid = grid_of(dim3(unsigned(blocks)), Config::kThreads, stream);
  switch (math) {
    case RoofMath::tf32:
      return run_matrix<float>(grid, int(rounds), sums);
    case RoofMath::f16:
      return run_matrix<simt::half>(grid, int(rounds), sums);
    case RoofMath::bf16:
      return run_matrix<simt::bfloat16>(grid, int(rounds), sums);
    case RoofMath::ffma:
      break;
  }
  launch(grid, ffma_kernel<Config>, int(rounds), 0.5f, 0.5f, sums);
  return 2.0 * Config::kChains * double(rounds) * blocks * Config::kThreads;
}

}  // namespace gabor::kernels
