// One problem in one pass, with inputs and what the oracle makes of them.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "duel/call.h"
#include "duel/problem.h"
#include "ops/backend.h"
#include "ops/context.h"

namespace gabor {

// What an output should be, and how far from it a right result may lie.
struct Expected {
  std::string name;             // "dw"
  HostTensor want;              // by the oracle; of another type than f32, it must be met exactly
  double terms = 0;             // length of the sums behind an element; 0: bound is the budget itself
  HostTensor bound;             // terms > 0: sum of the absolute values of the products; f32, want's shape
  std::vector<double> added{};  // to each budget, for what is not a sum; empty: nothing
  bool drawn = true;  // of random inputs, whose products are all of a size; false: of inputs that were given
  std::string oracle_math = "fp64";  // of whoever computed want: other than fp64, want has errors of its own
  // Of element i, for a backend that computes as Traits::math says.
  double budget(size_t i, const std::string& math) const;

 private:
  double own_budget(size_t i, const std::string& math) const;
};

class Case {
 public:
  virtual ~Case() = default;
  CallSpec spec{};             // of inputs and outputs
  DType storage = DType::f32;  // Traits::storage of who is to run it: it holds inputs and before exactly
  double flops = 0;
  double bytes = 0;  // every tensor once: what must go through memory at least
  std::vector<HostTensor> inputs;
  std::vector<HostTensor> before;  // what the outputs hold before a run
  GradMode mode = GradMode::overwrite;
  std::vector<Expected> outputs;  // in the order of before; want is empty where that is

  // Random inputs, uniform in [-1,1) where the op does not need others.
  virtual CallTensors draw(const Backend& oracle, uint64_t seed) const = 0;
  // Sets outputs from inputs, before and mode.
  virtual void expect(const Backend& oracle) = 0;
  virtual bool has_op(const OpSet& ops) const = 0;
  // The others: only when has_op.
  virtual Support supports(const OpSet& ops) const = 0;
  virtual size_t workspace_bytes(const OpSet& ops) const = 0;
  virtual std::string kernel(const OpSet&) const { return ""; }  // see Conv2d::kernel
  // Bytes that no other candidate touches, for what the op leaves for itself; 0: none are needed. prepare fills them
  // once, before the runs and outside of their time: by the op's own forward, say, when backward reads a layout that is
  // the backend's own.
  virtual size_t own_bytes(const OpSet&) const { return 0; }
  virtual void prepare(const OpSet&, Context&, std::span<const ConstTensorView> /*in*/,
                       TensorView /*own*/) const {}
  // in, out: on the device of the ops, in the order of inputs and outputs; empty where these are. out ends with the own
  // bytes (u8), if there are any. Outputs are overwritten or added to, as mode says.
  virtual void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
                   std::span<const TensorView> out) const = 0;
};

// oracle: whose results are taken for right; with double accumulators, but for one rounding; else Expected::oracle_math
// tells. Inputs are problem.given, or drawn by seed; storage: Case::storage. Throws Error when the oracle lacks the op.
std::unique_ptr<Case> make_case(const DuelProblem& problem, Pass pass, const Backend& oracle, uint64_t seed,
                                DType storage = DType::f32);

// Without inputs: only to be asked what it is.
std::unique_ptr<Case> unjudged_case(const AnyProblem& problem, Pass pass);

// The tensors of a case on one device. They outlive neither.
class DeviceTensors {
 public:
  // Outputs are left undefined.
  DeviceTensors(Device& device, std::span<const HostTensor> inputs, std::span<const HostTensor> outputs);
  void set_outputs(std::span<const HostTensor> values) const;
  std::vector<HostTensor> outputs() const;
  std::vector<ConstTensorView> in;
  std::vector<TensorView> out;

 private:
  TensorView place(const HostTensor& like);
  Device& device_;
  std::vector<Buffer> buffers_;
};

// --- for the files of the single ops ------------------------------------------------------------------------------

HostTensor random_tensor(const Shape& shape, uint64_t seed, uint32_t number);
// The call's f32 inputs drawn, its outputs and all else 0.
CallTensors random_call(const AnyProblem& problem, Pass pass, uint64_t seed);
HostTensor absolute(const HostTensor& t);
std::vector<double> widened(const HostTensor& t);  // f32; empty where t is
HostTensor rounded(const Shape& shape, std::span<const double> values);
// Runs the case by a backend on the given inputs; before: contents of the outputs. What comes back is of the backend's storage.
std::vector<HostTensor> outputs_of(const Case& c, const Backend& backend, std::span<const HostTensor> inputs,
                                   std::span<const HostTensor> before);
// What outputs of products should be: want by the oracle; bound by the oracle on magnitudes, the absolute values of
// inputs and before, run by the case `of_magnitudes` where that is another.
void expect_sums(Case& c, const Backend& oracle, std::vector<std::string> names, std::vector<double> terms,
                 const Case* of_magnitudes = nullptr);
double float_bytes(std::initializer_list<Shape> shapes);

std::unique_ptr<Case> conv2d_case(const Conv2dProblem& p, Pass pass);
std::unique_ptr<Case> dense_case(const DenseProblem& p, Pass pass);
std::unique_ptr<Case> pool2d_case(const Pool2dProblem& p, Pass pass);
std::unique_ptr<Case> softmax_case(const SoftmaxProblem& p, Pass pass);
std::unique_ptr<Case> loss_case(const LossProblem& p);
std::unique_ptr<Case> activation_case(const ActivationProblem& p, Pass pass);
std::unique_ptr<Case> first_block_case(const FirstBlockProblem& p, Pass pass);
std::unique_ptr<Case> batchnorm_case(const BatchNormProblem& p, Pass pass);

}  // namespace gabor
