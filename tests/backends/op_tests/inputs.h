// What one run of an op needs: random inputs for the backend and, widened, for the oracle; scratch memory.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "backends/op_tests/generator.h"
#include "backends/op_tests/guarded.h"
#include "core/stored_floats.h"
#include "ops/budget.h"
#include "ops/context.h"
#include "ops/loss.h"
#include "ops/support.h"

namespace gabor::op_tests {

inline std::vector<double> widened(const std::vector<float>& v) { return {v.begin(), v.end()}; }
inline std::vector<double> absolute(std::vector<double> v) {
  for (double& e : v) e = std::fabs(e);
  return v;
}
inline std::vector<float> rounded(const std::vector<double>& v) { return {v.begin(), v.end()}; }

// The values, and so what the oracle sees, are rounded to the type first: the trial's, or that of tensors that are f32 always.
struct Input {
  Input(Trial& trial, const std::string& name, Shape shape, const std::vector<float>& values, DType type)
      : tensor(Guarded::input(trial, name, values, shape, type)), wide(widened(tensor.floats())) {}
  Input(Trial& trial, const std::string& name, Shape shape, const std::vector<float>& values)
      : Input(trial, name, shape, values, trial.storage) {}
  Input(Trial& trial, const std::string& name, Shape shape, Data data, DType type)
      : Input(trial, name, shape, random_values(trial, shape.count(), data, type), type) {}
  Input(Trial& trial, const std::string& name, Shape shape, Data data)
      : Input(trial, name, shape, data, trial.storage) {}
  ConstTensorView view() const { return tensor.in(); }

  Guarded tensor;
  std::vector<double> wide;
};

// An output of a gradient pass, in one of the two modes.
struct GradOutput {
  GradOutput(Trial& trial, const std::string& name, Shape shape, GradMode grad_mode, Data data, DType type)
      : mode(grad_mode),
        tensor(mode == GradMode::accumulate
                   ? Guarded::in_out(trial, name, random_values(trial, shape.count(), data), shape, type)
                   : Guarded::output(trial, name, shape, type)),
        before(mode == GradMode::accumulate ? tensor.floats() : std::vector<float>()) {}
  GradOutput(Trial& trial, const std::string& name, Shape shape, GradMode grad_mode, Data data)
      : GradOutput(trial, name, shape, grad_mode, data, trial.storage) {}
  // What the oracle begins with, and the same for the sums of absolute values.
  std::vector<double> start() const {
    return before.empty() ? std::vector<double>(size_t(tensor.in().count())) : widened(before);
  }
  std::vector<double> start_magnitude() const { return absolute(start()); }

  GradMode mode;
  Guarded tensor;
  std::vector<float> before;
};

inline GradMode random_mode(Random& random) {
  return random.below(2) ? GradMode::accumulate : GradMode::overwrite;
}

// Special values go into one input only: with NaN and infinity on both sides nearly everything is NaN.
inline Data plain(Data data) { return data == Data::special ? Data::real : data; }

struct Scratch {
  explicit Scratch(Trial& trial, size_t bytes = 0)
      : memory(Guarded::workspace(trial, bytes)),
        context{trial.device, trial.device.stream(), memory.out().data, bytes} {}
  Guarded memory;
  Context context;
};

// What an op finds in Context::step.
class StepMemory {
 public:
  StepMemory(Trial& trial, const StepValues& values) : memory_(trial.device, sizeof values) {
    trial.device.copy_to(memory_.data(), &values, sizeof values);
  }
  const StepValues* data() const { return static_cast<const StepValues*>(memory_.data()); }

 private:
  Buffer memory_;
};

// One row in eight does not count. Of two labels the weights are often 0, 1/2 or 1, and the classes the same.
std::vector<int32_t> random_labels(Random& random, const LossProblem& p);

// Each magnitude to the budget of a sum of n products.
inline std::vector<double> sum_budgets(double n, std::vector<double> magnitudes) {
  for (double& m : magnitudes) m = sum_budget(n, m);
  return magnitudes;
}

// How far the operands of products may be rounded first: not at all where tensors hold what is multiplied.
inline double rounding_of(const Traits& traits) {
  return traits.storage == DType::f32 ? operand_rounding(traits.math) : 0;
}

// Terms for Judge::within. A special value may be all there is to a sum, and then the rounding of its operand meets no other
// to cancel with.
inline double judged_terms(double n, Data data, double rounding) {
  return rounding > 0 && data == Data::special ? 1 : n;
}

inline std::vector<double> product_budgets(double n, std::vector<double> magnitudes, double rounding) {
  for (double& m : magnitudes) m = product_budget(n, m, rounding);
  return magnitudes;
}

}  // namespace gabor::op_tests
