// Which rung of the convolution ladder computes a pass. Plain C++; launches nothing.
#pragma once
#include "core/problem/conv2d.h"
#include "kernels/common/storage.h"

namespace gabor::kernels::conv2d {

// direct: direct.h, any problem. implicit_gemm: implicit_gemm.h, FFMA. depthwise: depthwise.h, groups = C. tensor:
// tensor_core.h, implicit GEMM on tensor cores.
enum class Conv2dRung : uint8_t { direct, implicit_gemm, depthwise, tensor };
enum class Conv2dPass : uint8_t { fprop, dgrad, wgrad };

const char* name_of(Conv2dRung rung);

// Groups of few channels: depthwise where groups = C, else the GEMMs, however few columns of a tile K/groups fills: the
// direct kernel loses to the emptiest tile.
//
// The rung expected to be fastest on a GPU of that compute capability (10 major + minor), among those that take the
// problem; the arithmetic is in choose.cpp. allow_tf32: f32 may be rounded for tensor cores. A pure function: the same
// arguments, the same rung, so the same bits. `pass` and `multiprocessors` are what a table of measured times would be keyed
// by; the arithmetic needs neither.
Conv2dRung conv2d_rung(const Conv2dProblem& p, Conv2dPass pass, Storage storage, int capability,
                       int multiprocessors, bool allow_tf32 = false);

}  // namespace gabor::kernels::conv2d
