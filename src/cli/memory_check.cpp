#include "cli/memory_check.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "cli/option_values.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

// The number in a file of the control group; infinity where there is none or no limit ("max").
double limit_of(const char* path) {
  std::ifstream file(path);
  double bytes = 0;
  return file >> bytes ? bytes : HUGE_VAL;
}

}  // namespace

TrainingMemory fit_memory(TrainSettings& s, const Graph& graph, const Library& library,
                          const PlanOptions& whole, int64_t resident_pictures) {
  const int moments = s.train.optimizer.moments();
  const bool drop = s.recompute == Recompute::as_needed;
  PlanOptions options = whole;
  if (s.recompute == Recompute::always) options.arena_limit = 0;
  const int64_t micro = s.train.samples_at_once();
  const double limit = s.vram.empty() ? HUGE_VAL : double(parse_bytes("--vram", s.vram));
  MemoryFit fit;
  if (!s.vram.empty() && s.train.micro_batch == 0) {
    fit = fit_micro_batch(graph, library, options, moments, limit, drop, resident_pictures);
    s.train.micro_batch = int(fit.micro_batch);  // recorded, so that a resumed run keeps it on any machine
    s.origin["micro-batch"] = "vram";
  } else {
    fit = fit_arena(graph, library, options, micro, moments, limit, drop, resident_pictures);
  }
  s.train.arena_limit = fit.arena_limit;
  if (const double needed = fit.memory.limited(library.device().kind()); needed > limit)
    fail(ErrorCode::memory, "--vram",
         "{} is too little: {} pictures at a time{} need {}; leave out --micro-batch to fit it", s.vram,
         micro, resident_pictures > 0 ? " and the resident ones" : "", limit_text(needed));
  return fit.memory;
}

double machine_bytes() {
  const double machine = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGESIZE));
  return std::min({machine, limit_of("/sys/fs/cgroup/memory.max"),
                   limit_of("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

void check_memory(double needed, double available) {
  if (needed > available)
    fail(ErrorCode::memory, "--batch",
         "training needs {} but this machine has {}; use a smaller --batch, --micro-batch or --size",
         human_bytes(needed), human_bytes(available));
}

}  // namespace gabor
