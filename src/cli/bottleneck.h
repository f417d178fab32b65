#pragma once
#include <span>
#include <string>

#include "train/records.h"

namespace gabor {

// What set the pace of a run, in one sentence, with what would help and how much at most: training cannot become faster
// than by all the time that it waited. can_cache: decoded pictures could be kept and are not. The first epoch, which
// decodes what a cache keeps, does not count where there are others. "" when nothing was trained.
std::string bottleneck_text(std::span<const EpochRecord> epochs, bool can_cache);

}  // namespace gabor
