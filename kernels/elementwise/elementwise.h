// Launchers of the element-wise operations. Plain C++: no CUDA header is needed to call them. Element is float,
// simt::half or simt::bfloat16 (instantiated in elementwise.cu); arithmetic is float. All pointers are device memory of
// `count` elements of any alignment (128-bit accesses where it allows). Work is enqueued on `stream` (a cudaStream_t).
// simt::Error when the launch fails.
#pragma once
#include <cstdint>

#include "core/problem/activation.h"
#include "core/problem/step_values.h"

namespace gabor::kernels {

// y = f(x), formulas in core/problem/activation.h. y may be x. Kind none copies.
template <class Element>
void activation_forward(const ActivationProblem& p, const Element* x, Element* y, void* stream);

// dx = f'(x) dy, or dx += it. `x_or_y` is y when derivative_from_output(kind), else x. dx may be dy (overwrite only).
template <class Element>
void activation_backward(const ActivationProblem& p, const Element* x_or_y, const Element* dy, Element* dx,
                         bool accumulate, void* stream);

// y = a + b; y may be a or b (so d += dy is add(count, d, dy, d)).
template <class Element>
void add(int64_t count, const Element* a, const Element* b, Element* y, void* stream);

// With the step's values, what keys the draws (dropout_key of ops/dropout.h).
struct DropoutKey {
  uint32_t layer = 0, chunk = 0, purpose = 0;
  uint32_t seed_low = 0, seed_high = 0;
};

// y[i] = x[i] / (1 - rate) where unit_float(block(i/4)[i%4]) >= rate, else 0 (whatever x[i] is); or y += it. The
// backward is the same function of dy. 0 <= rate < 1; count <= 2^34. y may be x (overwrite only). values: in device
// memory.
template <class Element>
void dropout(int64_t count, float rate, const DropoutKey& key, const StepValues* values, const Element* x,
             Element* y, bool accumulate, void* stream);

// y = float(x) * scale[c] + shift[c], c = i % C, one rounding; x is N,H,W,C bytes, y is float. 1 <= C <= 4.
void normalize(int64_t count, int C, const float (&scale)[4], const float (&shift)[4], const uint8_t* x,
               float* y, void* stream);

}  // namespace gabor::kernels
