#pragma once
#include <string>

#include "cli/train_settings.h"
#include "train/training_memory.h"

namespace gabor {

// Pictures that would stay on the device: those that an epoch trains on.
int64_t resident_pictures(const TrainSettings& s, const DataSplits& data);

// As many where --resident on asks for it, else 0: --vram's limit has to hold them. Throws Error{usage} when their
// augmentation is none that a device does.
int64_t demanded_pictures(const TrainSettings& s, const DataSplits& data);

struct ResidentChoice {
  bool resident = false;
  std::string text;  // one line: how much, or why not
};

// Whether they stay there. "auto": on a device that is not the host, when they are augmented by what it does and fit beside
// the rest, within --vram or what is free. memory: with them. Throws Error{memory} when "on" does not fit.
ResidentChoice choose_resident(const TrainSettings& s, const TrainingMemory& memory, const Device& device);

}  // namespace gabor
