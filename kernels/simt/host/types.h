// CUDA's types on the host: NVIDIA's own where their headers are found, else the few of them that kernels may
// use. A machine without a CUDA toolkit so runs every kernel too.
#pragma once

#if __has_include(<cuda_bf16.h>) && __has_include(<vector_functions.h>)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <vector_functions.h>
#include <vector_types.h>
#define GABOR_SIMT_NVIDIA_TYPES 1
#else
#define GABOR_SIMT_NVIDIA_TYPES 0
#include "kernels/simt/host/standin.h"
// NOLINTNEXTLINE: kernels spell these types as CUDA does, in the global namespace
using namespace gabor::simt::standin;
#endif
