#include "report/chrome_trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace gabor {

void ChromeTrace::add(const std::string& lane, const std::string& name, double begin, double seconds) {
  const auto at = std::find(lanes_.begin(), lanes_.end(), lane);
  events_.push_back({size_t(at - lanes_.begin()), name, begin, seconds});
  if (at == lanes_.end()) lanes_.push_back(lane);
}

std::string ChromeTrace::json() const {
  constexpr double kMicroseconds = 1e6;
  auto events = nlohmann::ordered_json::array();
  for (size_t lane = 0; lane < lanes_.size(); lane++)
    events.push_back({{"ph", "M"},
                      {"pid", 1},
                      {"tid", lane},
                      {"name", "thread_name"},
                      {"args", {{"name", printable(lanes_[lane])}}}});
  for (const Event& e : events_)
    events.push_back({{"ph", "X"},
                      {"pid", 1},
                      {"tid", e.lane},
                      {"name", printable(e.name)},
                      {"ts", e.begin * kMicroseconds},
                      {"dur", e.seconds * kMicroseconds}});
  return nlohmann::ordered_json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}}.dump(1) + "\n";
}

}  // namespace gabor
