// Fully connected layers with few outputs and many inputs (the article's 219,040 -> 2): no matrix product
// worth the name, only x, dx or w going through memory once. Own kernels, over fixed blocks of C; results do
// not depend on the number of threads.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/problem/dense.h"

namespace gabor::cpu {

bool few_outputs(const DenseProblem& p);  // whether these kernels are the faster ones (measured)

size_t dense_few_workspace(const DenseProblem& p);  // bytes, of fprop; the others need none

void dense_few_fprop(const DenseProblem& p, const float* x, const float* w, const float* b, float* y,
                     void* workspace);
void dense_few_dgrad(const DenseProblem& p, const float* dy, const float* w, float* dx, bool accumulate);
void dense_few_wgrad(const DenseProblem& p, const float* x, const float* dy, float* dw, bool accumulate);

}  // namespace gabor::cpu
