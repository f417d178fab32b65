// Launchers of the element-wise operations. Plain C++: no CUDA header is needed to call them. All pointers are device
// memory of `count` elements of type `storage` and of any alignment (128-bit accesses where it allows); arithmetic is
// float, rounded once. Work is enqueued on `stream`. simt::Error when the launch fails.
#pragma once
#include <cstdint>

#include "core/problem/activation.h"
#include "core/problem/step_values.h"
#include "kernels/common/storage.h"

namespace gabor::kernels {

// y = f(x), formulas in core/problem/activation.h. y may be x. Kind none copies.
void activation_forward(const ActivationProblem& p, Storage storage, const void* x, void* y, Stream stream);

// dx = f'(x) dy, or dx += it. `x_or_y` is y when derivative_from_output(kind), else x. dx may be dy (overwrite only).
void activation_backward(const ActivationProblem& p, Storage storage, const void* x_or_y, const void* dy,
                         void* dx, bool accumulate, Stream stream);

// y = a + b; y may be a or b (so d += dy is add(count, storage, d, dy, d)).
void add(int64_t count, Storage storage, const void* a, const void* b, void* y, Stream stream);

// With the step's values, what keys the draws (dropout_key of ops/dropout.h).
struct DropoutKey {
  uint32_t layer = 0, chunk = 0, purpose = 0;
  uint32_t seed_low = 0, seed_high = 0;
};

// y[i] = x[i] / (1 - rate) where unit_float(block(i/4)[i%4]) >= rate, else 0 (whatever x[i] is); or y += it. The
// backward is the same function of dy. 0 <= rate < 1; count <= 2^34. y may be x (overwrite only). values: in device
// memory.
void dropout(int64_t count, float rate, const DropoutKey& key, const StepValues* values, Storage storage,
             const void* x, void* y, bool accumulate, Stream stream);

// y = float(x) * scale[c] + shift[c], c = i % C, by one fused multiply-add; x is N,H,W,C bytes. 1 <= C <= 4.
void normalize(int64_t count, int C, const float (&scale)[4], const float (&shift)[4], const uint8_t* x,
               Storage storage, void* y, Stream stream);

}  // namespace gabor::kernels
