// What kernels read that differs from one training step to the next. It lies in the device's memory, not among a kernel's
// arguments: those of a step that was captured as a graph are as they were then for good (device/queue.h, Replay).
#pragma once
#include <cstdint>

namespace gabor {

// Of an update of the parameters; ops/optimizer.h has the formulas.
struct UpdateValues {
  int64_t t = 0;  // the update's number, from 1; 0: there is none
  float lr = 0;
  float adam_rate = 0;     // lr sqrt(1-b2^t) / (1-b1^t)
  float adam_epsilon = 0;  // epsilon sqrt(1-b2^t)
  float unscale = 1;  // gradients are multiplied by it first: 1 / what the loss was scaled by, a power of 2
};

struct StepValues {
  uint64_t step = 0;         // number of the training step, below 2^40
  uint32_t micro_batch = 0;  // number of the part of the batch, where it runs in parts
  uint32_t first_chunk =
      0;  // of the whole batch's chunks (ops/batch_chunks.h), the part's first; the executor's to set
  UpdateValues update{};
};

// The dropout layers of a net are numbered below 2^kDropoutLayerBits: in what keys their draws, the chunk's number
// stands above it (ops/dropout.h).
constexpr int kDropoutLayerBits = 12;

}  // namespace gabor
