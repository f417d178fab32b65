#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "duel/problem.h"
#include "ops/step.h"

namespace gabor {

// What duels know among the steps of a plan, each under its layer's name: of a plan that was made without fusion every
// step that is an op of its own; fused epilogues are left out of a convolution or dense layer. model: their tag. A layer
// whose input needs no gradient is a first one.
std::vector<DuelProblem> model_problems(const std::string& model,
                                        std::span<const std::unique_ptr<Step>> steps,
                                        const TensorTable& table);

}  // namespace gabor
