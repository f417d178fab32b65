#pragma once
#include <string>

#include "cli/train_settings.h"
#include "model/graph.h"
#include "ops/library.h"

namespace gabor {

// Fills in size and channels where no option gave them, and says why:
//   size      --size; else the pictures' own where all are equal (MNIST, CIFAR); else the model's; else 96x96
//   channels  --channels; else as the source of the size has them
// Enlarging pictures to a model's size adds work and no information, so the pictures' own size comes first;
// where the net does not fit it, the model's is taken. Sets s.train.preprocess and the origins.
std::string choose_input(TrainSettings& s, const Graph& graph, const Dataset& dataset,
                         const Library& library);

}  // namespace gabor
