#include "cli/memory_check.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

constexpr double kLoaderSlots = 4 + 3;  // of the training and of the validation loader

// The number in a file of the control group; infinity where there is none or no limit ("max").
double limit_of(const char* path) {
  std::ifstream file(path);
  double bytes = 0;
  return file >> bytes ? bytes : HUGE_VAL;
}

}  // namespace

double training_bytes(const Plan& training, const Plan& inference, int moments) {
  const auto arena = [](const Plan& p) {
    return double(p.memory.arena_bytes) + double(p.memory.workspace_bytes);
  };
  const Shape& in = training.options.input;
  const double batch = double(training.options.batch) * double(in[0]) * double(in[1]) * double(in[2]);
  return arena(training) + arena(inference) + double(training.parameter_elements) * 4 * (2 + moments) +
         kLoaderSlots * batch;
}

double machine_bytes() {
  const double machine = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGESIZE));
  return std::min({machine, limit_of("/sys/fs/cgroup/memory.max"),
                   limit_of("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

void check_memory(double needed, double available) {
  if (needed > available)
    fail(ErrorCode::memory, "--batch",
         "training needs {} but this machine has {}; use a smaller --batch or --size", human_bytes(needed),
         human_bytes(available));
}

}  // namespace gabor
