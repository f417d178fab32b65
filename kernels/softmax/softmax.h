// Launchers of softmax over the last axis (the contract is ops/softmax.h). Plain C++: no CUDA header is needed to call
// them. Element is float, simt::half or simt::bfloat16 (instantiated in softmax.cu); arithmetic is float.
//   x, y, dy, dx: N,K; device pointers, contiguous, any alignment
// Work is enqueued on `stream` (a cudaStream_t): one launch. Sums have a fixed order: the same input gives the same
// bits. simt::Error when the launch fails or an extent does not fit.
#pragma once
#include <cstdint>

namespace gabor::kernels {

// naive: a thread a row. warp: a warp a row. automatic: naive up to 8 columns.
enum class SoftmaxRung { automatic, naive, warp };

// y[n,k] = exp(x[n,k] - m[n]) / sum over j of exp(x[n,j] - m[n]), m[n] = max of row n. A row with NaN or +infinity, or
// of nothing but -infinity, becomes NaN. y may be x.
template <class Element>
void softmax_forward(int64_t N, int64_t K, const Element* x, Element* y, void* stream,
                     SoftmaxRung rung = SoftmaxRung::automatic);

// dx = y (dy - sum over j of dy[n,j] y[n,j]), or dx += it if accumulate. dx may be dy (overwrite only).
template <class Element>
void softmax_backward(int64_t N, int64_t K, const Element* y, const Element* dy, Element* dx, bool accumulate,
                      void* stream, SoftmaxRung rung = SoftmaxRung::automatic);

}  // namespace gabor::kernels
