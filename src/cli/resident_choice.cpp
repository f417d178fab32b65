#include "cli/resident_choice.h"

#include <algorithm>
#include <cmath>

#include "cli/augment_option.h"
#include "cli/memory_check.h"
#include "cli/option_values.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

// What "auto" leaves of the free memory to libraries that take some of it later.
constexpr double kLeftToOthers = 0.1;

struct Limit {
  double bytes = HUGE_VAL, automatic = HUGE_VAL;  // the second for "auto"
  std::string text;                               // " of 8.00 GiB free"
};

Limit limit_of(const TrainSettings& s, const Device& device) {
  const double free = device.kind() == DeviceKind::host ? machine_bytes() : double(device.free_bytes());
  if (!s.vram.empty()) {
    const auto bytes = double(parse_bytes("--vram", s.vram));
    return {std::min(bytes, free), std::min(bytes, free * (1 - kLeftToOthers)), " within --vram " + s.vram};
  }
  if (free >= double(SIZE_MAX)) return {};
  return {free, free * (1 - kLeftToOthers), fmt::format(" of {} free", human_bytes(free))};
}

// "" or why "auto" streams, whatever the memory.
std::string obstacle(const TrainSettings& s, const Device& device) {
  if (s.resident == "off") return "--resident off says so";
  if (device.kind() == DeviceKind::host) return "the CPU reads batches in place (--resident on keeps them)";
  if (!s.train.augment.only_moves())
    return "--augment " + augment_text(s.train.augment) + " needs the loader";
  if (s.train.epochs < 2) return "there is but one epoch";
  return "";
}

}  // namespace

int64_t resident_pictures(const TrainSettings& s, const DataSplits& data) {
  const auto all = int64_t(data.train.size());
  return s.train.overfit > 0 ? std::min<int64_t>(all, s.train.overfit) : all;
}

int64_t demanded_pictures(const TrainSettings& s, const DataSplits& data) {
  if (s.resident != "on") return 0;
  if (!s.train.augment.only_moves())
    fail(ErrorCode::usage, "--resident",
         "on goes with --augment flip and translate only, and this run has {}; leave it out to stream the "
         "pictures",
         augment_text(s.train.augment));
  return resident_pictures(s, data);
}

ResidentChoice choose_resident(const TrainSettings& s, const TrainingMemory& memory, const Device& device) {
  const bool demanded = s.resident == "on";
  if (const std::string why = demanded ? "" : obstacle(s, device); !why.empty())
    return {false, "streamed each epoch: " + why};
  const Limit limit = limit_of(s, device);
  const double needed = memory.limited(device.kind());
  if (needed <= (demanded ? limit.bytes : limit.automatic))
    return {true, fmt::format("stay on the device after the first epoch ({}{})", human_bytes(memory.resident),
                              limit.text)};
  if (demanded)
    fail(ErrorCode::memory, "--resident",
         "on needs {} with all that training holds, and the device has {} free; leave it out to stream the "
         "pictures",
         human_bytes(needed), human_bytes(limit.bytes));
  return {false, fmt::format("streamed each epoch: with them on the device training needs {}, too much{}",
                             human_bytes(needed), limit.text)};
}

}  // namespace gabor
