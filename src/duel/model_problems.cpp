#include "duel/model_problems.h"

#include "ops/steps/elementwise_steps.h"
#include "ops/steps/pool2d_step.h"
#include "ops/steps/weighted_step.h"

namespace gabor {
namespace {

// Whether the step's problem is one that duels know; then item has it and x is what the step reads.
bool problem_of(const Step& step, AnyProblem& problem, TensorId& x) {
  if (const auto* conv = dynamic_cast<const Conv2dStep*>(&step)) {
    Conv2dProblem p = conv->data();
    p.activation = {};
    return problem = p, x = conv->x(), true;
  }
  if (const auto* dense = dynamic_cast<const DenseStep*>(&step)) {
    DenseProblem p = dense->data();
    p.activation = {};
    return problem = p, x = dense->x(), true;
  }
  if (const auto* pool = dynamic_cast<const Pool2dStep*>(&step))
    return problem = pool->pool(), x = pool->x(), true;
  if (const auto* softmax = dynamic_cast<const SoftmaxStep*>(&step))
    return problem = softmax->softmax(), x = softmax->x(), true;
  return false;
}

}  // namespace

std::vector<DuelProblem> model_problems(const std::string& model,
                                        std::span<const std::unique_ptr<Step>> steps,
                                        const TensorTable& table) {
  std::vector<DuelProblem> list;
  for (const auto& step : steps) {
    DuelProblem item;
    TensorId x = kNoTensor;
    if (!problem_of(*step, item.problem, x)) continue;
    item.tag = model;
    item.name = model + " " + step->layer;
    if (std::holds_alternative<SoftmaxProblem>(item.problem)) item.name += " softmax";  // of a dense layer
    item.first = !table[table.root(x)].needs_grad;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace gabor
