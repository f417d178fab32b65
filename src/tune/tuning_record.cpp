#include "tune/tuning_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gabor {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kFormat = 1;

const TunedCandidate* winner_of(const TuningRecord& r) {
  const auto at = std::find_if(r.candidates.begin(), r.candidates.end(),
                               [&](const TunedCandidate& c) { return c.backend == r.winner; });
  return at == r.candidates.end() ? nullptr : &*at;
}

}  // namespace

bool same_question(const TuningRecord& a, const TuningRecord& b) {
  return a.place == b.place && a.op == b.op && a.problem == b.problem && a.pass == b.pass &&
         a.math == b.math && a.layout == b.layout &&
         std::equal(a.candidates.begin(), a.candidates.end(), b.candidates.begin(), b.candidates.end(),
                    [](const TunedCandidate& x, const TunedCandidate& y) {
                      return x.backend == y.backend && x.kernel == y.kernel;
                    });
}

std::string margin(const TuningRecord& r) {
  const TunedCandidate* winner = winner_of(r);
  if (!winner || winner == r.candidates.data()) return "";
  const TunedCandidate& first = r.candidates[0];
  return fmt::format("{:.2f}x faster than {}{}", first.median / winner->median, first.backend,
                     first.kernel.empty() ? "" : " (" + first.kernel + ")");
}

std::string to_json(const TuningRecord& r) {
  Json j = {{"tuning", kFormat},
            {"gabor", r.place.gabor},
            {"device", r.place.device},
            {"threads", r.place.threads},
            {"op", r.op},
            {"problem", r.problem},
            {"pass", r.pass},
            {"math", r.math},
            {"layout", r.layout},
            {"measured_N", r.measured_N}};
  for (const TunedCandidate& c : r.candidates)
    j["candidates"].push_back({{"backend", c.backend},
                               {"kernel", c.kernel},
                               {"median", c.median},
                               {"low", c.low},
                               {"high", c.high}});
  j["winner"] = r.winner;
  if (const TunedCandidate* winner = winner_of(r); r.measured_N > 0 && winner)
    j["margin"] = r.candidates[0].median / winner->median;  // for readers: it is not read back
  return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<TuningRecord> parse_record(std::string_view line) try {
  const Json j = Json::parse(line);
  if (j.at("tuning") != kFormat) return {};
  TuningRecord r;
  j.at("gabor").get_to(r.place.gabor), j.at("device").get_to(r.place.device);
  j.at("threads").get_to(r.place.threads);
  j.at("op").get_to(r.op), j.at("problem").get_to(r.problem), j.at("pass").get_to(r.pass);
  j.at("math").get_to(r.math), j.at("layout").get_to(r.layout);
  j.at("measured_N").get_to(r.measured_N);
  for (const Json& c : j.at("candidates"))
    r.candidates.push_back({c.at("backend"), c.at("kernel"), c.at("median"), c.at("low"), c.at("high")});
  j.at("winner").get_to(r.winner);
  const TunedCandidate* winner = winner_of(r);
  const bool timed = std::all_of(r.candidates.begin(), r.candidates.end(), [](const TunedCandidate& c) {
    return std::isfinite(c.median) && c.median > 0;
  });
  if (!winner || (r.measured_N > 0 ? !timed : winner != r.candidates.data())) return {};
  return r;
} catch (const Json::exception&) {
  return {};
}

}  // namespace gabor
