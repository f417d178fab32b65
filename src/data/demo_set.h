// The embedded data set: photo-like pictures of cats and dogs, drawn by us and stored as real JPEG files, so
// that `gabor train` without data walks the same path as with a folder of photos.
#pragma once
#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace gabor {

struct DemoOptions {
  int count = 1200;   // pictures, half of each class (the odd one is a cat)
  uint64_t seed = 1;  // of the drawing
};

// Draws folder/{cat,dog}/NNNN.jpg (sizes from 120x90 to 500x400, portrait and landscape, JPEG quality 60 to
// 95; fur, background, light and noise come from the same distributions for both classes, so colour says
// nothing) and opens the folder with split. A folder that holds the same set, complete, is used as it is. The
// same options give the same bytes. Throws Error{data} when the folder holds other files or cannot be
// written, Error{usage} for count < 8.
DataSplits make_demo_set(const std::string& folder, const DemoOptions& options = {},
                         const SplitOptions& split = {});

}  // namespace gabor
