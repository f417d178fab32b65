#include "kernels/conv2d/choose.h"

#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/implicit_gemm.h"

// The order of preference, with its arithmetic. Of the rate of an H200 multiprocessor, 128 FFMAs a cycle:
//   depthwise      moves each tensor once, which is what bounds a depthwise layer (depthwise.cuh). One channel with K
//                  filters is depthwise too, but there K fills the columns of a GEMM's tile and C no lanes of dgrad's.
//   tensor         7 to 15 times the FFMA rate; also for groups of few channels, where 16 columns of which 4 are filled
//                  still come out ahead.
//   implicit_gemm  about 1.9 instructions a FFMA with one element a load, 1.3 with four (16 FFMAs of the micro-tile for 2
//                  shared loads, and the loaders' indices): 67 to 100 a cycle; times K/groups over 16 where that is less,
//                  so 4 to 17 for groups of 1 to 4. (A sweep like depthwise's, four filters of a group a thread, would
//                  reach some 100 at K/groups = 4, where the GEMM has 17: the next rung to write, if nets with such
//                  groups matter.)
//   direct         neighbouring threads' filters lie R S C/groups apart, so that a load of w costs up to 32 lines of the L1
//                  cache: 1 to 4 FFMAs a cycle, less than the emptiest tile. It is for what nothing else counts to.
namespace gabor::kernels::conv2d {

const char* name_of(Conv2dRung rung) {
  switch (rung) {
    case Conv2dRung::direct:
      return "direct";
    case Conv2dRung::implicit_gemm:
      return "implicit_gemm";
    case Conv2dRung::depthwise:
      return "depthwise";
    case Conv2dRung::tensor:
      return "tensor";
  }
  return "unknown";
}

Conv2dRung conv2d_rung(const Conv2dProblem& p, Conv2dPass, Storage storage, int capability, int,
                       bool allow_tf32) {
  if (p.groups > 1 && depthwise_refuses(p) == nullptr) return Conv2dRung::depthwise;
  if (!implicit_gemm_fits(p)) return Conv2dRung::direct;
  const bool tensor_cores = capability >= 80 && (storage != Storage::f32 || allow_tf32);
  return tensor_cores ? Conv2dRung::tensor : Conv2dRung::implicit_gemm;
}

}  // namespace gabor::kernels::conv2d
