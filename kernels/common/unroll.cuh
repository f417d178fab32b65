// GABOR_UNROLL before a loop unrolls it on a GPU, where only then arrays stay in registers. Not in host execution:
// clang would unroll too, and take minutes to compile thousands of checked accesses.
#pragma once

#if defined(__CUDACC__)
#define GABOR_UNROLL _Pragma("unroll")
#else
#define GABOR_UNROLL
#endif
