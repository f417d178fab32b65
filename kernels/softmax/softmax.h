// Launchers of softmax over the last axis (the contract is ops/softmax.h). Plain C++: no CUDA header is needed to call
// them. Arithmetic is float.
//   x, y, dy, dx: N,K of type `storage`; device pointers, contiguous, any alignment
// Work is enqueued on `stream`: one launch. Sums have a fixed order: the same input gives the same bits. simt::Error when
// the launch fails or an extent does not fit.
#pragma once
#include <cstdint>

#include "kernels/common/storage.h"

namespace gabor::kernels {

// naive: a thread a row. warp: a warp a row. automatic: naive up to 8 columns.
enum class SoftmaxRung { automatic, naive, warp };

// y[n,k] = exp(x[n,k] - m[n]) / sum over j of exp(x[n,j] - m[n]), m[n] = max of row n. A row with NaN or +infinity, or
// of nothing but -infinity, becomes NaN. y may be x.
void softmax_forward(int64_t N, int64_t K, Storage storage, const void* x, void* y, Stream stream,
                     SoftmaxRung rung = SoftmaxRung::automatic);

// dx = y (dy - sum over j of dy[n,j] y[n,j]), or dx += it if accumulate. dx may be dy (overwrite only).
void softmax_backward(int64_t N, int64_t K, Storage storage, const void* y, const void* dy, void* dx,
                      bool accumulate, Stream stream, SoftmaxRung rung = SoftmaxRung::automatic);

}  // namespace gabor::kernels
