#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "duel/problem.h"
#include "ops/step.h"

namespace gabor {

// The convolutions, poolings, dense layers and softmaxes among the steps of a plan that was made without fusion, each
// under its layer's name. model: their tag. A layer whose input needs no gradient is a first one.
std::vector<DuelProblem> model_problems(const std::string& model,
                                        std::span<const std::unique_ptr<Step>> steps,
                                        const TensorTable& table);

}  // namespace gabor
