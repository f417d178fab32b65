// Random problems and data for the op tests. Everything is a function of the Random handed in.
#pragma once
#include <string>
#include <vector>

#include "core/philox.h"
#include "core/problem/batchnorm.h"
#include "core/problem/conv2d.h"
#include "core/problem/dense.h"
#include "core/problem/first_block.h"
#include "core/problem/head.h"
#include "core/problem/pool2d.h"
#include "device/device.h"
#include "ops/backend.h"

namespace gabor::op_tests {

// One run of an op in a test: its random draws, and the device and backend that its tensors are for.
class Trial : public Random {
 public:
  Trial(RandomKey key, Device& where, const Traits& traits)
      : Random(key), device(where), alignment(traits.alignment), storage(traits.storage) {}
  Device& device;
  int alignment;  // of tensors
  DType storage;  // of those that Traits::storage is about
};

// Sizes as in RELIABILITY, section 3: N 1-33, channels around powers of two, H and W 1-67, kernels 1-7,
// strides 1-3, each side's padding its own, dilation 1-3, groups any common divisor. Half of the extents are
// drawn near multiples of vector and tile sizes. Each problem is cut down to a work limit that is itself
// drawn (log-uniform, up to about 2^20 multiplications), so that thousands run in seconds.
Conv2dProblem random_conv2d(Random& random);
Pool2dProblem random_pool2d(Random& random);
DenseProblem random_dense(Random& random);
// Rows as N*H*W of a map or N of vectors, channels as above and up to 700.
BatchNormProblem random_batchnorm(Random& random);
// Two in three are what the article's net has (2x2 pooling, stride 2; convolution without stride or groups).
FirstBlockProblem random_first_block(Random& random);
// One to four layers, with max pooling before them in every second one.
HeadProblem random_head(Random& random);
Activation random_activation(Random& random);  // any kind; alpha near its default

// Kinds of data.
//   real     uniform in [-1,1)
//   integer  whole numbers -2..2: sums are exact in float whatever their order, so results are compared bit
//   for bit special  real, with a few NaN, infinite, huge, denormal and negative zero elements (huge and denormal for the type)
enum class Data { real, integer, special };
const char* name_of(Data data);
std::vector<float> random_values(Random& random, int64_t count, Data data, DType type = DType::f32);

// 0 mostly, else 1, 2 or 15 times the trial's alignment: bytes off the 64-byte grid.
int random_skew(Trial& trial);

// Lines of a problem file: "tag problem"; '#' begins a comment.
struct TaggedConv2d {
  std::string tag;
  Conv2dProblem problem;
};
std::vector<TaggedConv2d> read_conv2d_list(const std::string& path);

}  // namespace gabor::op_tests
