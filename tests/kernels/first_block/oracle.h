// The fused first block in double precision, as core/problem/first_block.h defines it, and what a right kernel may
// answer.
//
// Rounding may turn a near tie of a window: then another winner is as right as the oracle's. So forward's arg-max is
// judged by the value it points to, and backward is judged given an arg-max, which is an input of it like any other.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/first_block/first_block.h"
#include "kernels/judge.h"

namespace gabor::kernel_tests {

enum class Data {
  real,
  integer,  // small whole numbers: sums are exact in float, and ties abound
  special   // NaN, infinities, -0 and denormals among the pixels of float images
};

struct FirstBlockCase {
  FirstBlockProblem p;
  kernels::Storage storage = kernels::Storage::f32;
  Data data = Data::real;
  bool biased = true;
  std::vector<uint8_t> bytes;  // x, one of the two
  std::vector<float> floats;
  std::vector<float> w, b;            // K,R,S,C and K
  std::vector<float> dy;              // N,P,Q,K
  std::vector<int> winners;           // N,P,Q,K: a random arg-max for backward; -1: dead
  std::vector<float> old_dw, old_db;  // of accumulation
};

struct FirstBlockSizes {
  bool any_convolution = true;  // strides and dilations too
  bool wide = false;            // more than 16 pooled columns
};
FirstBlockProblem random_first_block(Rng& rng, const FirstBlockSizes& sizes);
// Values of w and dy are such as storage holds exactly. A random normalization where the problem has none.
FirstBlockCase random_case(Rng& rng, FirstBlockProblem p, kernels::Storage storage, Data data);
std::string describe(const FirstBlockCase& c);

inline int64_t pooled_count(const FirstBlockProblem& p) {
  return p.conv.N * p.pool.P() * p.pool.Q() * p.conv.K;
}

// y before it is rounded to storage, and the convolution in each window: value and budget of each place, in y's order.
struct WindowValues {
  bool inside[4];
  double value[4], budget[4];
};
struct ForwardExpected {
  Expected y;
  std::vector<WindowValues> windows;
};
ForwardExpected forward_oracle(const FirstBlockCase& c);

// "" if each code points to the largest of its window, or to one that rounding may have made the largest, and says
// rightly whether it is alive; else which is wrong.
std::string judge_argmax(const FirstBlockCase& c, const ForwardExpected& want,
                         const std::vector<uint8_t>& argmax);

// Winners as the kernels pack them (first_block.h), and back.
std::vector<uint8_t> packed(const FirstBlockProblem& p, const std::vector<int>& winners);
std::vector<int> unpacked(const FirstBlockProblem& p, const std::vector<uint8_t>& argmax);

struct BackwardExpected {
  Expected dw, db;
};
BackwardExpected backward_oracle(const FirstBlockCase& c, const std::vector<int>& winners, bool accumulate);

}  // namespace gabor::kernel_tests
