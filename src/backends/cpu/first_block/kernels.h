// The fused first block on the CPU: uint8 or float image -> normalise -> convolution -> bias -> ReLU -> 2x2
// max pooling in one pass, and the weight gradient that visits only the winners of the pooling. Plain
// pointers; backends/cpu/first_block.h puts the op contract over it.
//
//   x        N,H,W,C   u8 (normalised on the way: value * scale[c] + shift[c]) or f32; padding is 0 after that
//   w        K,R,S,C   f32
//   b        K         f32, or null for none
//   y, dy    N,P,Q,K   f32, P and Q of the pool
//   argmax   u8, argmax_bytes(problem) a sample; private to this pair: [k][p * pitch + q], 2 * (winner's row) +
//            (winner's column) in its 2x2 window, or 4 where the pooled value is not above 0 ("dead": no gradient)
//
// Ties go to the first in row order. A NaN in a window wins it and stays NaN, so that broken numbers show.
// Results do not depend on the number of threads; they may differ in the last bits between instruction sets.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/problem/first_block.h"

namespace gabor::cpu::first_block {

// Whether these kernels can do the problem; if not, why. It is: convolution with stride 1, no dilation, one
// group, C <= 4, R and S <= 11, relu; then 2x2 max pooling with stride 2, no padding and no partial window.
bool supported(const FirstBlockProblem& problem, std::string& reason);

// Bytes of the arg-max of one sample; samples follow each other.
size_t argmax_bytes(const FirstBlockProblem& problem);

// Scratch bytes for either pass with that many threads. The workspace must be aligned to 64 bytes.
size_t workspace_bytes(const FirstBlockProblem& problem, int threads);

// argmax may be null when no backward follows.
void forward(const FirstBlockProblem& problem, const void* x, const float* w, const float* b, float* y,
             uint8_t* argmax, void* workspace, int threads);

// dw (K,R,S,C) and db (K; may be null) are overwritten, or added to when accumulate. dy under a dead winner
// is not read into any sum: a NaN there is without effect.
void backward(const FirstBlockProblem& problem, const void* x, const uint8_t* argmax, const float* dy,
              float* dw, float* db, bool accumulate, void* workspace, int threads);

// The instruction sets there is code for, as Highway's bits (HWY_AVX2, ...): tests run each.
std::vector<int64_t> compiled_targets();

}  // namespace gabor::cpu::first_block
