#pragma once
#include "data/dataset.h"
#include "gabor/classifier.h"

namespace gabor {

// The caller's pictures (copied) as a data set, split as open_data splits: stratified, by seed. Throws
// Error{data} when sizes, labels and classes do not fit each other.
DataSplits split_in_memory(const PictureSet& pictures, double val_split, uint64_t seed);

}  // namespace gabor
