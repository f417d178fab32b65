// A kernel file that defines every function of kernels/own/kernel.h, by gabor's own kernels. dw goes through the
// workspace, so that this is used too.
#include "kernels/conv2d/direct.cu"
#include "kernels/own/kernel.h"
#include "kernels/pool2d/pool2d.cu"

using gabor::kernels::Storage;
namespace direct = gabor::kernels::conv2d;

__global__ void copy(int count, const float* from, float* to) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = from[i];
}

extern "C" void conv2d_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                             void*, Stream stream) {
  direct::direct_fprop(p, Storage::f32, x, w, b, y, stream);
}

extern "C" void conv2d_dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx, void*,
                             Stream stream) {
  direct::direct_dgrad(p, Storage::f32, dy, w, dx, false, stream);
}

extern "C" void conv2d_wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw, float* db,
                             void* workspace, Stream stream) {
  auto* sums = static_cast<float*>(workspace);
  direct::direct_wgrad(p, Storage::f32, x, dy, sums, db, false, stream);
  const int count = int(p.K * p.reduction());
  launch({dim3(unsigned(simt::ceil_div(count, 64))), dim3(64), 0, stream}, copy, count, sums, dw);
}

extern "C" size_t conv2d_workspace_bytes(const Conv2dProblem& p, Function f) {
  return f == Function::conv2d_wgrad ? size_t(p.K * p.reduction()) * sizeof(float) : 0;
}

extern "C" void pool2d_forward(const Pool2dProblem& p, const float* x, float* y, void* argmax,
                               Stream stream) {
  gabor::kernels::pool2d_forward(p, Storage::f32, x, y, argmax, stream);
}

extern "C" void pool2d_backward(const Pool2dProblem& p, const float* x, const float* y, const void* argmax,
                                const float* dy, float* dx, Stream stream) {
  gabor::kernels::pool2d_backward(p, Storage::f32, x, y, argmax, dy, dx, false, stream);
}

extern "C" const char* pool2d_supports(const Pool2dProblem& p) {
  return p.C % 3 ? nullptr : "C a multiple of 3";
}
