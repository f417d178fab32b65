// One problem in one pass, with random inputs and what the oracle makes of them.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "duel/problem.h"
#include "ops/backend.h"
#include "ops/context.h"

namespace gabor {

// A tensor on the host that owns its bytes.
class HostTensor {
 public:
  HostTensor(Shape shape, DType dtype = DType::f32)
      : shape_(shape), dtype_(dtype), bytes_(size_t(shape.count()) * size_of(dtype)) {}
  TensorView view() { return {bytes_.data(), shape_, dtype_}; }
  ConstTensorView view() const { return {bytes_.data(), shape_, dtype_}; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::span<float> floats() { return {view().as<float>(), size_t(shape_.count())}; }

 private:
  Shape shape_;
  DType dtype_;
  std::vector<unsigned char> bytes_;
};

// What an output should be, and how far from it a right result may lie.
struct Expected {
  std::string name;  // "dw"
  HostTensor want;   // by the oracle; of another type than f32, it must be met exactly
  double terms = 0;  // length of the sums behind an element; 0: bound is the budget itself
  HostTensor bound;  // terms > 0: sum of the absolute values of the products; f32, want's shape
  // Of element i, for a backend that computes as Traits::math says.
  double budget(size_t i, const std::string& math) const;
};

// Largest relative change of an operand before it is multiplied: 0 for fp32 and fp64. tf32 is taken as cut off, not
// rounded, for that is what the hardware may do with the surplus bits. Throws Error{internal} for an unknown name.
double operand_rounding(const std::string& math);

class Case {
 public:
  virtual ~Case() = default;
  double flops = 0;
  double bytes = 0;  // every tensor once: what must go through memory at least
  std::vector<HostTensor> inputs;
  std::vector<Expected> outputs;

  virtual bool has_op(const OpSet& ops) const = 0;
  // The others: only when has_op.
  virtual Support supports(const OpSet& ops) const = 0;
  virtual size_t workspace_bytes(const OpSet& ops) const = 0;
  virtual std::string kernel(const OpSet&) const { return ""; }  // see Conv2d::kernel
  // Bytes that no other candidate touches, for what the op leaves for itself or goes on changing; 0: none are needed.
  // prepare fills them once, before the runs and outside of their time: by the op's own forward, say, when backward
  // reads a layout that is the backend's own.
  virtual size_t own_bytes(const OpSet&) const { return 0; }
  virtual void prepare(const OpSet&, Context&, std::span<const ConstTensorView> /*in*/,
                       TensorView /*own*/) const {}
  // in, out: on the device of the ops, in the order of inputs and outputs; out ends with the own bytes (u8), if there
  // are any. Outputs are overwritten.
  virtual void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
                   std::span<const TensorView> out) const = 0;
};

// oracle: a backend on the host with double accumulators, whose results are rounded once. seed: of the inputs, which
// are uniform in [-1,1). Throws Error when the oracle lacks the op.
std::unique_ptr<Case> make_case(const DuelProblem& problem, Pass pass, const Backend& oracle, uint64_t seed);

// --- for the files of the single ops ------------------------------------------------------------------------------

HostTensor random_tensor(const Shape& shape, uint64_t seed, uint32_t number);
HostTensor absolute(const HostTensor& t);
std::vector<double> widened(const HostTensor& t);
HostTensor rounded(const Shape& shape, std::span<const double> values);
// Runs the case by the oracle on the given inputs, prepared by the case's own.
std::vector<HostTensor> oracle_outputs(const Case& c, const Backend& oracle,
                                       std::span<const HostTensor> inputs, std::span<const HostTensor> like);
// Sets outputs of products: want by the oracle, bound by the oracle on the absolute values of the inputs.
void expect_sums(Case& c, const Backend& oracle, std::vector<HostTensor> like, std::vector<std::string> names,
                 std::vector<double> terms);
double float_bytes(std::initializer_list<Shape> shapes);

std::unique_ptr<Case> conv2d_case(const Conv2dProblem& p, Pass pass, const Backend& oracle, uint64_t seed);
std::unique_ptr<Case> dense_case(const DenseProblem& p, Pass pass, const Backend& oracle, uint64_t seed);
std::unique_ptr<Case> pool2d_case(const Pool2dProblem& p, Pass pass, const Backend& oracle, uint64_t seed);
std::unique_ptr<Case> softmax_case(const SoftmaxProblem& p, Pass pass, const Backend& oracle, uint64_t seed);
std::unique_ptr<Case> batchnorm_case(const BatchNormProblem& p, Pass pass, const Backend& oracle,
                                     uint64_t seed);
std::unique_ptr<Case> activation_case(const ActivationProblem& p, Pass pass, const Backend& oracle,
                                      uint64_t seed);
std::unique_ptr<Case> loss_case(const LossProblem& p, const Backend& oracle, uint64_t seed);
std::unique_ptr<Case> first_block_case(const FirstBlockProblem& p, Pass pass, const Backend& oracle,
                                       uint64_t seed);

}  // namespace gabor
