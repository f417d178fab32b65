// Launchers for the health of a gradient arena: its norm, whether it is finite, and clipping by norm, all without the
// host waiting for a result. Plain C++: no CUDA header is needed to call them. Element is float, simt::half or
// simt::bfloat16 (instantiated in norm.cu); arithmetic is float. g: `count` elements of device memory, any alignment
// (128-bit accesses where it allows). Work is enqueued on `stream` (a cudaStream_t). simt::Error when a launch fails.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/problem/gradient_norm.h"

namespace gabor::kernels {

// naive: an element a load. vector: four a load, four loads in flight. automatic: vector where g is aligned to 4
// elements; naive elsewhere.
enum class NormRung { automatic, naive, vector };

size_t norm_workspace_bytes(int64_t count);

// *result = norm and number of non-finite elements of g. No element is too large to be squared; elements below 2^-91
// (4e-28) may count as 0. Two launches; the order of the sums depends on count and rung alone: the same
// input gives the same bits. workspace: norm_workspace_bytes, aligned to 4. count < 2^31.
template <class Element>
void gradient_norm(int64_t count, const Element* g, NormResult* result, void* workspace, void* stream,
                   NormRung rung = NormRung::automatic);

// g *= max_norm / result->norm if that is less than 1 and result->nonfinite is 0; else g is not touched. (An infinite
// norm of finite elements makes g 0.) One launch.
template <class Element>
void scale_if(int64_t count, Element* g, const NormResult* result, float max_norm, void* stream,
              NormRung rung = NormRung::automatic);

}  // namespace gabor::kernels
