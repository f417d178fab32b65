// A plan is a graph compiled for one batch size, one input size and one library of backends: the op steps in
// order, fused where the library can, every tensor, and where in one arena each tensor lies. Nothing is
// allocated here: a plan can be printed, or refused, before the first byte is used.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/problem/first_block.h"
#include "layers/emitter.h"
#include "model/graph.h"
#include "model/memory_plan.h"
#include "model/mixed_precision.h"
#include "model/recompute.h"
#include "ops/loss.h"

namespace gabor {

struct PlanOptions {
  int64_t batch = 32;
  Shape input;          // H,W,C
  int64_t classes = 0;  // 0: the graph's own
  bool training =
      true;  // else: forward only, in fp32, whatever the library's precision; ends in probabilities
  LossKind loss = LossKind::softmax_xent;
  float label_smoothing = 0;
  bool two_labels = false;        // to a row, in training (ops/loss.h)
  DType input_dtype = DType::u8;  // f32: already normalised
  Normalize normalize;            // for u8
  bool fuse = true;
  // Bytes of the arena beyond which, in training, results of forward are dropped and computed again (model/recompute.h).
  size_t arena_limit = kNoArenaLimit;
};

struct Plan {
  PlanOptions options;
  Graph graph;
  TensorTable table;
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Action> schedule;  // in what order the steps run
  std::vector<ParameterDecl> parameters;
  int64_t parameter_elements = 0;     // length of the flat arena
  std::vector<LayerNote> layers;      // as written, before fusion
  std::vector<ChoiceRecord> choices;  // which backend runs what, and why
  std::vector<std::string> fusions;   // "conv: normalize+conv2d+relu+max_pool -> first_block"
  TensorId image = kNoTensor, labels = kNoTensor;
  TensorId output = kNoTensor;  // probabilities when not training; the loss's input when training
  TensorId logits =
      kNoTensor;  // what the loss is taken of: the softmax's input (mse: the output), training or not
  TensorId loss = kNoTensor, counts = kNoTensor;
  MixedPrecision mixed;
  MemoryPlan memory;

  int64_t parameter_count() const;  // elements of all parameters (without the arena's padding)
  int64_t trainable_count() const;  // of these, what the optimizer moves; the rest are running statistics
  // Whether a layer takes statistics over the whole batch, which can then not be run in parts.
  bool has_batch_statistics() const { return trainable_count() != parameter_count(); }
};

// In training, tensors are as the library stores them. Throws Error{usage} when a layer does not fit its input, when the net
// does not end in one value a class, or when a single class is left (ARTICLE B05).
Plan compile(const Graph& graph, const Library& library, const PlanOptions& options);

}  // namespace gabor
