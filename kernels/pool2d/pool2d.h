// Launchers of 2-D pooling (what is computed: core/problem/pool2d.h). Plain C++: no CUDA header is needed to call
// them. Element is float, simt::half or simt::bfloat16 (instantiated in pool2d.cu); sums are float.
//   x, dx: N,H,W,C    y, dy: N,P,Q,C    argmax: y's shape, p.argmax_dtype(), r*S + s of the winner
// All are device pointers, contiguous. Work is enqueued on `stream` (a cudaStream_t). No atomics: the same input
// gives the same bits. simt::Error when the launch fails or the rung does not take the problem.
#pragma once
#include "core/problem/pool2d.h"

namespace gabor::kernels {

// naive:  one thread an element, 64-bit indices: any problem.
// vector: 128-bit accesses and 32-bit indices (vector.cuh).
// global: of a window that is the map (global.cuh): a block reduces a map; backward spreads one dy over it.
enum class PoolRung { automatic, naive, vector, global };

// argmax is written for max only, and may be null.
template <class Element>
void pool2d_forward(const Pool2dProblem& p, const Element* x, Element* y, void* argmax, void* stream,
                    PoolRung rung = PoolRung::automatic);

// dx = the gradient, or dx += it if accumulate. max reads argmax, and y where p.relu; l2 reads x and y; what is not
// read may be null.
template <class Element>
void pool2d_backward(const Pool2dProblem& p, const Element* x, const Element* y, const void* argmax,
                     const Element* dy, Element* dx, bool accumulate, void* stream,
                     PoolRung rung = PoolRung::automatic);

// The rungs that take a problem, given pointers aligned as cudaMalloc aligns them.
bool pool2d_vector_takes(const Pool2dProblem& p);
bool pool2d_global_takes(const Pool2dProblem& p);

}  // namespace gabor::kernels
