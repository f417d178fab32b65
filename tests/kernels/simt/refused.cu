// Does not compile, on purpose: what host execution refuses in a kernel file. CMakeLists.txt compiles it once a
// mistake and looks for the compiler's message; with no mistake chosen it compiles.
#include "kernels/simt/gpu.h"

namespace gabor {

#if defined(RAW_SHARED)
__global__ void raw_shared(float* y) {
  __shared__ float s[32];
  s[threadIdx.x] = 1.0f;
  y[threadIdx.x] = s[31 - threadIdx.x];
}
#elif defined(FLOAT_ATOMIC)
__global__ void float_atomic(float* y) { atomicAdd(y, 1.0f); }
#else
__global__ void right(int* y) { atomicAdd(y, 1); }
#endif

}  // namespace gabor
