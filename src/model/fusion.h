// Fusion rewrites the step list: a run of steps becomes one, wherever a backend of the library has the fused
// op.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ops/step.h"

namespace gabor {

// normalize? + conv2d + relu + 2x2 max pooling on the picture -> first_block
// conv2d + activation -> conv2d with an epilogue; dense + activation -> dense with an epilogue
// training: max pooling of what has ReLU fused goes back through it too, and the step before it does not
// training: max pooling? + dense layers + softmax cross-entropy at the end -> head
// A tensor in between is dropped, or its ReLU taken over, only when nobody else reads it. Returns one line a fusion made.
std::vector<std::string> fuse_steps(std::vector<std::unique_ptr<Step>>& steps, TensorTable& table,
                                    const Library& library, bool training);

}  // namespace gabor
