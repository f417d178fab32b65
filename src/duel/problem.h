// duel: times every candidate kernel on the same problems and judges their results by error budgets.
//   problem.h, problem_text.h, problem_list.h, model_problems.h   what is run
//   call.h, problem_record.h                      the tensors of one call of an op; its problem with every field
//   case.h                                        one problem and pass, with inputs and the oracle's result
//   score.h                                       how right a result is
//   measure.h, statistics.h, roofline.h           how long it takes, and what the machine could do
//   duel.h, summary.h                             all of it, and what it comes to
//   shadow.h                                      the same judgement on the calls that training makes
// It knows backends only by ops/backend.h, and prints nothing.
// problem.h: one problem of a duel.
#pragma once
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/problem/activation.h"
#include "core/problem/batchnorm.h"
#include "core/problem/conv2d.h"
#include "core/problem/dense.h"
#include "core/problem/first_block.h"
#include "core/problem/pool2d.h"
#include "ops/loss.h"
#include "ops/softmax.h"
#include "ops/support.h"

namespace gabor {

using AnyProblem = std::variant<Conv2dProblem, Pool2dProblem, DenseProblem, SoftmaxProblem, BatchNormProblem,
                                ActivationProblem, LossProblem, FirstBlockProblem>;
struct CallTensors;

struct DuelProblem {
  std::string tag{};          // of its list, or the model's name
  std::string name{};         // "article conv", "deepbench 12"
  AnyProblem problem{};       // a convolution or dense layer without its activation: that is another op
  bool first = false;         // the first layer of a net: no gradient of x is wanted
  std::string scaled_from{};  // string form before scale_down; "" when it was not needed
  std::shared_ptr<const CallTensors> given{};  // what to run on (duel/call.h); null: drawn by seed
};

double flops_of(const AnyProblem& p);  // of the forward pass; taps that lie in the padding are no work

// What the windows along one axis reach of the data.
struct Reach {
  int64_t taps = 0;     // pairs of a window and a tap of it that lie in the data
  int64_t touched = 0;  // elements that some tap reads
};
Reach reach(int64_t extent, int64_t window, int64_t before, int64_t stride, int64_t dilation,
            int64_t positions);

// Kinds of problems that kernels are good or bad at: means are taken within one. In the order of reports.
enum class ProblemClass : uint8_t {
  first_layer,
  pointwise,
  three,
  stride,
  depthwise,
  other_conv,
  dense,
  pooling,
  softmax,
  batchnorm,
  activation,
  loss,
  first_block
};
constexpr int kProblemClasses = 13;
const char* name_of(ProblemClass c);  // "first layer", "1x1", "3x3 s1", "stride 2", ...
// A convolution is of the first class that fits: depthwise, first layer, stride 2 (or more), 1x1, 3x3 s1.
ProblemClass class_of(const DuelProblem& p);

// The passes that the problem has, of those wanted: forward is fprop; backward of pooling, softmax, batch normalisation
// (its parameters' gradients too) and activations is dgrad, of a first block wgrad; a first layer has no dgrad; a loss
// has its gradient in fprop.
std::vector<Pass> passes_of(const DuelProblem& p, const std::vector<Pass>& wanted);

// Cuts the problem down until one pass is at most that many FLOPs: N first, then H and W of a map, each halved as long
// as the map holds a whole window and is larger than its padding (else the windows might read nothing but padding).
// What is left over then stays. Batch normalisation and activations know no samples: their rows and elements are cut.
// Writes scaled_from.
void scale_down(DuelProblem& p, double most_flops);
// Batch normalisation and activations stay as they are.
void set_batch(DuelProblem& p, int64_t N);

}  // namespace gabor
