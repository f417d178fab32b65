#include "cli/bottleneck.h"

#include <fmt/format.h>

#include "report/progress.h"

namespace gabor {
namespace {

constexpr double kNoticeable = 0.1;  // share of the time

}  // namespace

std::string bottleneck_text(std::span<const EpochRecord> epochs, bool can_cache) {
  if (epochs.size() > 1) epochs = epochs.subspan(1);
  double waited = 0;
  for (const EpochRecord& e : epochs) waited += e.data_wait_pct / 100;
  if (epochs.empty()) return "";
  waited /= double(epochs.size());
  if (waited < kNoticeable)
    return fmt::format("the kernels: {:.0f} % of the time was computing, {:.0f} % waiting for pictures",
                       100 * (1 - waited), 100 * waited);
  const std::string picture = picture_time_text(epochs.back().picture);
  return fmt::format(
      "the loader: {:.0f} % of the time was waiting for pictures{}; {}more --threads or a smaller --size "
      "would "
      "make it up to {:.1f} times as fast",
      100 * waited, picture.empty() ? "" : " (" + picture + ")", can_cache ? "a cache (gabor cache), " : "",
      1 / (1 - waited));
}

}  // namespace gabor
