#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "train/evaluator.h"

namespace gabor {

// The result as text: totals, precision and recall of each class, and up to 20 classes the confusion matrix.
std::string eval_text(const EvalResult& r, const std::vector<std::string>& classes);
nlohmann::ordered_json eval_json(const EvalResult& r, const std::vector<std::string>& classes);

// The one object of --json, on one line, with names that are not UTF-8 made so.
void print_json(const nlohmann::ordered_json& object);

}  // namespace gabor
