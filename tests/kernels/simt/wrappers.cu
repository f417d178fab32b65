// Every word of kernels/simt/gpu.h against what it should do. The same source is a test on the CPU (three flavours,
// three thread orders) and a program for a GPU, where the inline assembly and the emulated fragment layouts meet the
// hardware:
//   nvcc -std=c++20 -arch=native -I. -Itests tests/kernels/simt/wrappers.cu -o wrappers && ./wrappers
// Exit status: 0 all right, 1 something is wrong, 3 no GPU (after a line "skipped: REASON").
#include <cmath>
#include <cstdio>

#include "kernels/gpu_capability.h"
#include "kernels/simt/memory_checks.cuh"
#include "kernels/simt/tensor_core_checks.cuh"
#include "kernels/simt/warp_checks.cuh"

namespace gabor::simt::wrappers {
namespace {

constexpr Check kChecks[] = {
    {"indices", 50, check_indices},
    {"shuffles", 50, check_shuffles},
    {"votes", 70, check_votes},  // halves of a warp at different places
    {"reductions", 50, check_reductions},
    {"match", 50, check_match},
    {"barrier votes", 50, check_barrier_votes},
    {"shared exchange", 50, check_shared_exchange},
    {"cp.async sizes", 50, check_copies},
    {"cp.async groups", 50, check_pipeline},
    {"atomics", 50, check_atomics},
    {"last block", 50, check_last_block},
    {"dynamic shared", 70, check_dynamic_shared},
    {"conversions", 50, check_conversions},
    {"ldmatrix", 75, check_ldmatrix},
    {"to_tf32", 80, check_to_tf32},
    {"mma tf32", 80, check_mma_tf32},
    {"mma tf32 low bits", 80, check_tf32_low_bits},
    {"mma f16", 80, check_mma_f16},
    {"mma bf16", 80, check_mma_bf16},
};

int run() {
  const kernel_tests::GpuCapability gpu = kernel_tests::gpu_capability();
  if (!gpu.why_none.empty()) {
    std::printf("skipped: %s\n", gpu.why_none.c_str());
    return 3;
  }
  std::printf("on %s (sm_%d, code for sm_%d)\n", gpu.name.c_str(), gpu.device, gpu.code);
  int wrong = 0;
  for (const Check& check : kChecks) {
    if (gpu.code < check.capability) {
      std::printf("skip  %s: needs code for sm_%d\n", check.name, check.capability);
      continue;
    }
    std::string why;
    try {
      why = check.run();
    } catch (const Error& error) {
      why = error.what();
    }
    std::printf("%s  %s%s%s\n", why.empty() ? "ok  " : "FAIL", check.name, why.empty() ? "" : ": ",
                why.c_str());
    wrong += !why.empty();
  }
  return wrong > 0 ? 1 : 0;
}

}  // namespace
}  // namespace gabor::simt::wrappers

int main() { return gabor::simt::wrappers::run(); }
