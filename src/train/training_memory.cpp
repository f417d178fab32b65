#include "train/training_memory.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/problem/gather.h"
#include "core/problem/step_values.h"
#include "core/text.h"
#include "ops/batch_chunks.h"

namespace gabor {
namespace {

constexpr int kSlotsBeside = 2;   // a loader has so many slots more than it makes ahead
constexpr int kCopiesToSave = 2;  // the tensors on the host, and the file in one piece

// For batches of n samples and for the remainder of a larger batch: a smaller one may need more scratch.
double workspace_bytes(const Plan& plan, int64_t batch) {
  size_t bytes = plan.memory.workspace_bytes;
  if (const int64_t rest = batch % plan.options.batch)
    for (const auto& s : plan.steps) bytes = std::max(bytes, s->workspace_bytes(rest));
  return double(bytes);
}

double images_bytes(const PlanOptions& o, double samples) {
  return samples *
         (double(o.input.count() * int64_t(size_of(o.input_dtype))) +
          double(LossProblem{.N = 1, .two_labels = o.two_labels}.labels_shape().count()) * sizeof(int32_t));
}

}  // namespace

void check_micro_batch(const Plan& training, int64_t batch) {
  if (training.options.batch < batch && training.has_batch_statistics())
    fail(
        ErrorCode::usage, "--micro-batch",
        "{} of a batch of {}: batch normalisation takes its statistics over the whole batch, so it cannot be "
        "run in parts; leave it out, or make --batch smaller",
        training.options.batch, batch);
}

std::string limit_text(double bytes) {
  return bytes < 1e7 ? fmt::format("{:.0f}KB", std::ceil(bytes / 1e3))
                     : fmt::format("{:.0f}MB", std::ceil(bytes / 1e6));
}

TrainingMemory training_memory(const Graph& graph, const Library& library, const PlanOptions& whole,
                               int64_t micro, int moments, int64_t resident_pictures) {
  PlanOptions o = whole;
  o.batch = micro;
  o.training = true;
  const Plan training = compile(graph, library, o);
  check_micro_batch(training, whole.batch);
  o.training = false;
  const Plan evaluation = compile(graph, library, o);
  const PlanOptions& resolved = training.options;  // with the input size of the graph
  TrainingMemory m;
  m.arena = double(training.memory.arena_bytes);
  m.workspace = workspace_bytes(training, whole.batch);
  m.parameters = double(training.parameter_elements) * sizeof(float) * (2 + moments);
  if (training.mixed.cast)
    m.parameters += double(training.parameter_elements) * double(size_of(training.mixed.storage));
  m.saving = kCopiesToSave * double(training.parameter_elements) * sizeof(float) * (1 + moments);
  m.images = images_bytes(resolved, double(micro));
  m.backends = double(library.fixed_bytes());
  m.values = sizeof(StepValues);
  if (resident_pictures > 0) {
    // The host, where a step reads the loader's batches in place, has memory to make its own in besides.
    const int64_t made = library.device().kind() == DeviceKind::host ? 2 * micro : 0;
    m.resident =
        double((resident_pictures + made) * resolved.input.count()) + double(micro) * sizeof(PictureRow);
  }
  // The self-test of a checkpoint runs single pictures.
  size_t single = evaluation.memory.workspace_bytes;
  for (const auto& s : evaluation.steps) single = std::max(single, s->workspace_bytes(1));
  m.evaluation = double(evaluation.memory.arena_bytes) + double(single);
  m.loaders = images_bytes(resolved, double((kTrainingPrefetch + kSlotsBeside) * whole.batch +
                                            (kValidationPrefetch + kSlotsBeside) * micro));
  return m;
}

MemoryFit fit_arena(const Graph& graph, const Library& library, const PlanOptions& whole, int64_t micro,
                    int moments, double limit, bool recompute, int64_t resident_pictures) {
  MemoryFit fit{micro, whole.arena_limit,
                training_memory(graph, library, whole, micro, moments, resident_pictures)};
  const double over = fit.memory.limited(library.device().kind()) - limit;
  if (over <= 0 || !recompute) return fit;
  PlanOptions less = whole;
  less.arena_limit = over < fit.memory.arena ? size_t(fit.memory.arena - over) : 0;
  return {micro, less.arena_limit, training_memory(graph, library, less, micro, moments, resident_pictures)};
}

MemoryFit fit_micro_batch(const Graph& graph, const Library& library, const PlanOptions& whole, int moments,
                          double limit, bool recompute, int64_t resident_pictures) {
  const DeviceKind kind = library.device().kind();
  const bool divides = !compile(graph, library, whole).has_batch_statistics();
  double least = 0;
  for (int64_t micro = whole.batch;; micro = (micro + 1) / 2) {
    const bool drop = recompute && (!divides || (micro + 1) / 2 < kBatchChunk);
    MemoryFit fit = fit_arena(graph, library, whole, micro, moments, limit, drop, resident_pictures);
    const double needed = fit.memory.limited(kind);
    if (needed <= limit) return fit;
    least = least == 0 ? needed : std::min(least, needed);
    if (micro == 1 || !divides) break;
  }
  fail(ErrorCode::memory, "--vram",
       "batches of {}{} need {}{}; give as much, or make --batch or the input smaller", whole.batch,
       resident_pictures > 0 ? " and the resident pictures" : "", limit_text(least),
       divides ? " even one picture at a time" : " (batch normalisation needs the whole batch at once)");
}

}  // namespace gabor
