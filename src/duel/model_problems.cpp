#include "duel/model_problems.h"

#include <algorithm>

#include "duel/problem_text.h"
#include "ops/steps/batchnorm_step.h"
#include "ops/steps/elementwise_steps.h"
#include "ops/steps/first_block_step.h"
#include "ops/steps/loss_step.h"
#include "ops/steps/pool2d_step.h"
#include "ops/steps/weighted_step.h"

namespace gabor {
namespace {

template <class Problem>
Problem without_activation(Problem p) {
  p.activation = {};
  return p;
}

// Whether the step's problem is one that duels know; then item has it and x is what the step reads.
bool problem_of(const Step& step, AnyProblem& problem, TensorId& x) {
  if (const auto* s = dynamic_cast<const Conv2dStep*>(&step))
    return problem = without_activation(s->data()), x = s->x(), true;
  if (const auto* s = dynamic_cast<const DenseStep*>(&step))
    return problem = without_activation(s->data()), x = s->x(), true;
  if (const auto* s = dynamic_cast<const Pool2dStep*>(&step)) return problem = s->pool(), x = s->x(), true;
  if (const auto* s = dynamic_cast<const SoftmaxStep*>(&step))
    return problem = s->softmax(), x = s->x(), true;
  if (const auto* s = dynamic_cast<const BatchNormStep*>(&step))
    return problem = without_activation(s->batchnorm()), x = s->x(), true;
  if (const auto* s = dynamic_cast<const ActivationStep*>(&step))
    return problem = s->data(), x = s->x(), true;
  if (const auto* s = dynamic_cast<const LossStep*>(&step)) return problem = s->loss(), x = s->y(), true;
  if (const auto* s = dynamic_cast<const FirstBlockStep*>(&step))
    return problem = s->block(), x = s->x(), true;
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
    const bool taken = std::any_of(list.begin(), list.end(),
                                   [&](const DuelProblem& other) { return other.name == item.name; });
    if (taken || class_of(item) == ProblemClass::first_block)  // a layer may have steps of several ops
      item.name += std::string(" ") + op_name(item.problem);
    item.first = !table[table.root(x)].needs_grad;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace gabor
