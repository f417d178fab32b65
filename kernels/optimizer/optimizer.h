// Launcher of the optimizers: all parameter tensors of a model in one launch over its flat arena (formulas and kinds:
// ops/optimizer.h). Plain C++: no CUDA header is needed to call it.
#pragma once
#include <cstdint>

#include "core/problem/gradient_norm.h"
#include "core/problem/step_values.h"

namespace gabor::kernels {

// In the order of OptimizerKind.
enum class OptimizerRule : uint8_t { sgd, momentum, nesterov, adam, adamw };

struct OptimizerParams {
  OptimizerRule rule = OptimizerRule::adam;
  float momentum = 0.9f;
  float beta1 = 0.9f, beta2 = 0.999f;
  float epsilon = 1e-7f;
  float weight_decay = 0;
};

// A run of the arena, in elements. Runs do not overlap; what lies between them is not touched.
struct OptimizerSegment {
  int64_t offset = 0, count = 0;
  bool decay = true;
};

// In device memory; floats flat, equally long, any alignment. sgd has no m and v, momentum and nesterov no v: null.
struct OptimizerTensors {
  float* w;
  const float* g;
  float* m;
  float* v;
  const NormResult* norm = nullptr;  // of g; where that is no number nothing is written. null: unchecked
};

// Blocks the launch needs for a segment of `count` elements, and the first of each segment: block_starts is 0, then the
// running sum, segments + 1 entries. Built once for a model.
int64_t optimizer_blocks(int64_t count);

// values, segments and block_starts: in device memory (1, segments, segments + 1); blocks = block_starts[segments]. One
// launch on `stream` (a cudaStream_t). simt::Error when the launch fails.
void optimizer_update(const OptimizerParams& p, const UpdateValues* values, const OptimizerSegment* segments,
                      const int32_t* block_starts, int32_t segment_count, int32_t blocks,
                      const OptimizerTensors& tensors, void* stream);

}  // namespace gabor::kernels
