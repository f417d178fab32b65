// Launchers of the implicit GEMMs on tensor cores (sm_80 and newer): the rung of conv2d for layers with many channels, for
// the sizes that implicit_gemm_fits. Plain C++. Its speed has not been measured yet.
//
// Arguments, layouts, errors: implicit_gemm.h. What differs is the arithmetic: f16 and bf16 are multiplied as they are, f32 is
// rounded to TF32 first (11 bits, ties away from zero), so a caller asks for it knowingly. Sums, bias and epilogue are float.
// Rows of whole 16-byte units (C / groups, in dgrad and wgrad also K / groups, a multiple of 4 for f32, of 8 for 16 bits) are
// copied by 16 bytes at once; others are right too, but slower. On a card older than sm_80 the kernels trap.
#pragma once
#include "kernels/conv2d/implicit_gemm.h"

namespace gabor::kernels::conv2d {

// y = act(conv(x, w) + b); b may be null.
void tensor_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                  void* y, Stream stream);

// dx = gradient, or dx += gradient. stride_h * stride_w launches.
void tensor_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                  bool accumulate, Stream stream);

// As implicit_wgrad_slices and implicit_wgrad_workspace, for tensor_wgrad.
int tensor_wgrad_slices(const Conv2dProblem& p, int multiprocessors);
size_t tensor_wgrad_workspace(const Conv2dProblem& p, int slices);  // bytes of JoinMemory::sums
// dw (+)=, db (+)=; db may be null. db of f32 comes from a rounded dy too. One launch.
// 1 <= slices <= 65535.
void tensor_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                  float* db, bool accumulate, int slices, const JoinMemory& memory, Stream stream);

}  // namespace gabor::kernels::conv2d
