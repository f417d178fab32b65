// Your own kernel in a duel: `gabor duel MODEL_OR_LIST --kernel my.cu`. This is the one header that my.cu includes. Define
// in it any of the functions at the end: by extern "C", with exactly these parameters. tools/my_kernel/naive.cu and
// tiled.cu are complete examples.
//
// gabor compiles my.cu with the host's C++ compiler, runs the kernels thread by thread on the CPU, and judges the results
// by the error budget of the duel. No GPU is needed, and none is used: nothing is said about speed. What is found, with
// the line in my.cu:
//   - an access outside of a tensor or shared array, a read of what nobody wrote, a part of the result left unwritten
//   - a race: two threads, one of them writing, that no barrier orders, whatever order they happened to run in
//   - a deadlock, a crash, no end within --kernel-limit seconds
//   - a result that changes with the order of threads and blocks (three are tried), an input that was written to
//
// Kernels are CUDA, but for a few words, so that nvcc compiles the same file (-I SOURCES -I SOURCES/src -x cu -std=c++20):
//   SHARED(float, tile, [16][17]);            for  __shared__ float tile[16][17];
//   launch({grid, block}, kernel, x, y, n);   for  kernel<<<grid, block>>>(x, y, n);
//   launch({grid, block, bytes, stream}, ...) and DYN_SHARED(float, s);  for dynamic shared memory and a stream
// kernels/simt/gpu.h lists all words (shuffles, atomics, cp.async, tensor cores) and the rules for using them.
//
// Tensors are float, dense, in device memory, each aligned to 256 bytes; the last letter is contiguous:
//   x, dx N,H,W,C    w, dw K,R,S,C/groups    b, db K    y, dy N,P,Q,K (pooling: N,P,Q,C)
// Conv2dProblem and Pool2dProblem (core/problem/) have the letters as members, with pad.top, pad.left, stride_h,
// stride_w, dil_h, dil_w, groups; P() and Q() are functions for the host. Write every element of a result: it is not
// cleared before. Functions launch kernels on `stream` and return; only kernels may touch the tensors.
#pragma once
#include <cstddef>

#include "kernels/own/call.h"
#include "kernels/simt/gpu.h"

using gabor::Conv2dProblem;
using gabor::launch;
using gabor::Pool2dProblem;
using gabor::PoolKind;
using gabor::own::Function;
namespace simt = gabor::simt;
using Stream = decltype(gabor::LaunchConfig::stream);

#define GABOR_OPTIONAL extern "C" __attribute__((weak))  // not defined: null for program.cpp

// ---- convolution: core/problem/conv2d.h has the formula. Without activation. -----------------------------------------
// y = conv(x, w) + b
GABOR_OPTIONAL void conv2d_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b,
                                 float* y, void* workspace, Stream stream);
// dx = the transpose of conv, applied to dy
GABOR_OPTIONAL void conv2d_dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx,
                                 void* workspace, Stream stream);
// dw = sum over n,p,q of dy x; db = sum over n,p,q of dy
GABOR_OPTIONAL void conv2d_wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw,
                                 float* db, void* workspace, Stream stream);
// Null: f takes the problem; else why not, e.g. "groups". Not defined: every problem.
GABOR_OPTIONAL const char* conv2d_supports(const Conv2dProblem& p, Function f);
// Of the device memory `workspace`, unwritten at each call. Not defined: 0, and workspace is null.
GABOR_OPTIONAL size_t conv2d_workspace_bytes(const Conv2dProblem& p, Function f);

// ---- pooling: core/problem/pool2d.h ------------------------------------------------------------------------------------
// argmax: of max pooling, else null: r*S + s of each winner, N,P,Q,C of uint8_t, or of int32_t when R*S > 256.
GABOR_OPTIONAL void pool2d_forward(const Pool2dProblem& p, const float* x, float* y, void* argmax,
                                   Stream stream);
GABOR_OPTIONAL void pool2d_backward(const Pool2dProblem& p, const float* x, const float* y,
                                    const void* argmax, const float* dy, float* dx, Stream stream);
// As conv2d_supports, for both.
GABOR_OPTIONAL const char* pool2d_supports(const Pool2dProblem& p);

#undef GABOR_OPTIONAL
