#pragma once
#include <string>
#include <vector>

#include "core/tensor.h"
#include "train/evaluator.h"

namespace gabor {

// The confusion matrix: one row a true class, one column a predicted one; the darker, the larger the share of
// the row. Counts are written in up to 16 classes.
std::string confusion_matrix(const EvalResult& result, const std::vector<std::string>& classes);

// First-layer filters as tiles. w: host f32 K,R,S,C; C = 3 is drawn as RGB, C = 1 as gray, of any other C the
// first channel. Each tile is scaled by its own largest magnitude: 0 is mid-gray. At most 64 tiles.
std::string filter_tiles(ConstTensorView w);

}  // namespace gabor
