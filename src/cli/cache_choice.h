#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/train_settings.h"
#include "data/picture_cache.h"

namespace gabor {

struct CacheChoice {
  std::shared_ptr<PictureCache> cache;  // null: none
  std::string text;                     // one line: which, or why there is none
};

// The cache of decoded pictures for s.data in the form of s.train.preprocess. With "auto" there is one where it
// saves work: not for pictures that are in memory (MNIST, CIFAR-10), nor for files that are decoded in a
// moment. each_epoch: the samples that make a file whole; none: an existing file is read, and none is made.
// Throws Error{usage} when s.cache is a folder within the data set, which is only ever read.
CacheChoice choose_cache(const TrainSettings& s, const Dataset& dataset,
                         const std::vector<uint32_t>& each_epoch);

}  // namespace gabor
