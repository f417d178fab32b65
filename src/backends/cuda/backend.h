// The hand-written CUDA kernels of kernels/ as a backend. The folder is built for a GPU (GABOR_CUDA), or as
// `cuda_emulated`: the same ops over the same kernels, which kernels/simt then runs on the CPU, slowly and exactly. What
// differs stands in runtime.h. A program holds one of the two.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace gabor {

// On the device of that number (cudaSetDevice's). Throws Error{device} when there is no driver or no such GPU, or when
// its architecture is none that this build has code for.
std::shared_ptr<const Backend> make_cuda_backend(int device = 0);

}  // namespace gabor
