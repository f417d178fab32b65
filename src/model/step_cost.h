// What the steps of a plan cost, by arithmetic alone: nothing runs. For tables, benchmarks and limits.
#pragma once
#include <string>
#include <vector>

#include "model/plan.h"

namespace gabor {

// Floating-point operations of one direction, for the whole batch. The backward of a matrix product is one more
// product for the weights and, where the input has a gradient, one for it; that of the first block visits one
// position of each 2x2 window. A head's forward has the products for its inputs, its backward those for its weights.
int64_t step_flops(const Plan& plan, const Step& step, bool backward);

// Bytes that one direction has to move at least, were every tensor that it touches read or written once.
int64_t step_bytes(const Plan& plan, const Step& step, bool backward);

struct StepCost {
  std::string layer, op;
  Shape output;             // of one sample
  bool again = false;       // what it writes is dropped, and computed again for backward
  int64_t kept_bytes = 0;   // of what it writes, the part that is kept for a backward to read again
  int64_t flops = 0;        // of both directions, when training; of forward twice, when it runs again
  int64_t moved_bytes = 0;  // likewise
  size_t workspace_bytes = 0;
  std::string
      backend;  // who runs it; several, in order of preference, where the passes differ: "cpu, reference"
  std::string fused;  // "normalize+conv2d+relu+max_pool -> first_block (cpu)"; "" when it is no fusion
};

// One entry a step, in the order of forward.
std::vector<StepCost> step_costs(const Plan& plan);

// What computing results of forward again costs, beside the step without it.
struct RecomputeCost {
  int steps = 0;  // that run forward twice
  double flops_share = 0, moved_share = 0;
};
RecomputeCost recompute_cost(const Plan& plan);

// The plan of an eager framework for the same net and batch, to compare with: no fusion, every value in bytes of its
// own until the step ends; gradients are freed after their last use, as autograd does. Throws as compile does.
Plan compile_eager(const Graph& graph, const Library& library, const PlanOptions& options);

}  // namespace gabor
