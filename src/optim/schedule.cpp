#include "optim/schedule.h"

#include <cmath>
#include <iterator>

namespace gabor {
namespace {
constexpr const char* kNames[] = {"constant", "cosine", "step"};
}

std::vector<std::string> schedule_names() { return {std::begin(kNames), std::end(kNames)}; }
const char* name_of(ScheduleKind kind) { return kNames[int(kind)]; }

bool parse_schedule(const std::string& name, ScheduleKind& out) {
  for (int k = 0; k < int(std::size(kNames)); k++)
    if (name == kNames[k]) return out = ScheduleKind(k), true;
  return false;
}

float Schedule::at(int64_t update) const {
  if (update < warmup) return lr * float(update + 1) / float(warmup);
  const double t = total > warmup ? double(update - warmup) / double(total - warmup) : 0;
  switch (kind) {
    case ScheduleKind::constant:
      return lr;
    case ScheduleKind::cosine:
      return float(lr * (1 + std::cos(3.14159265358979323846 * std::fmin(t, 1))) / 2);
    case ScheduleKind::step:
      return t < 0.5 ? lr : t < 0.75 ? lr / 10 : lr / 100;
  }
  return lr;
}

}  // namespace gabor
