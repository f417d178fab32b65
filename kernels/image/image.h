// Launcher of the way of decoded pictures into a net: crop, mirror and normalise bytes that are on the device. Plain
// C++: no CUDA header is needed to call it. Element is float, simt::half or simt::bfloat16 (instantiated in image.cu);
// arithmetic is float, rounded once to Element.
#pragma once
#include <cstdint>

#include "core/problem/first_block.h"

namespace gabor::kernels {

// Where a sample's crop starts in its picture, and whether it is mirrored (right to left). The corner may lie outside
// the picture on any side, within +-2^30.
struct Crop {
  int32_t top = 0, left = 0;
  uint8_t flip = 0;  // 0 or 1
};

// x is N,H,W,C bytes; y is N,P,Q,C. 1 <= C <= 4; H, W, P, Q < 2^30.
struct CropProblem {
  int64_t N = 1, H = 1, W = 1, C = 3;
  int64_t P = 1, Q = 1;
  Normalize normalize;
};

// naive:  one thread an element of y.
// vector: one thread four neighbouring elements of y, one aligned store; Q C a multiple of 4 and y aligned to 4 elements.
enum class ImageRung { automatic, naive, vector };

//   y[n,p,q,c] = x[n,h,w,c] scale[c] + shift[c], one fused multiply-add;  h = top[n] + p,  w = left[n] + (flip[n] ? Q-1-q
//   : q);  0 where h, w lie outside the picture: the value of a pixel of average colour
// crops: N of them in device memory, or null for Crop{} (no crop but the size of y). All pointers are device memory,
// contiguous. Work is enqueued on `stream` (a cudaStream_t). simt::Error when a size is out of range, the launch fails or
// the rung does not take the problem.
template <class Element>
void crop_normalize(const CropProblem& p, const uint8_t* x, const Crop* crops, Element* y, void* stream,
                    ImageRung rung = ImageRung::automatic);

// Whether the vector rung takes the problem, given pointers aligned as cudaMalloc aligns them.
bool crop_normalize_vector_takes(const CropProblem& p);

}  // namespace gabor::kernels
