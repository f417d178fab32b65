#include "duel/summary.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace gabor {
namespace {

bool counts(const DuelRecord& r) { return r.ran() && r.score.right() && r.median > 0; }

// The fastest of the baseline's; null when none is right.
const DuelRecord* best_of(std::span<DuelRecord> records, const std::string& baseline, const Traits* equal) {
  const DuelRecord* best = nullptr;
  for (const DuelRecord& r : records) {
    if (!counts(r) || !belongs_to(r.candidate, baseline)) continue;
    if (equal && (r.traits.math != equal->math || r.traits.layout != equal->layout)) continue;
    if (!best || r.median < best->median) best = &r;
  }
  return best;
}

}  // namespace

bool belongs_to(const std::string& candidate, const std::string& baseline) {
  return candidate == baseline || candidate.starts_with(baseline + "/");
}

void compare_with_baseline(std::span<DuelRecord> records, const std::string& baseline) {
  const DuelRecord* any = best_of(records, baseline, nullptr);
  for (DuelRecord& r : records) {
    if (!counts(r)) continue;
    if (any) r.ratio_any = any->median / r.median;
    if (const DuelRecord* equal = best_of(records, baseline, &r.traits)) {
      r.ratio = equal->median / r.median;
      r.distinct = r.interval.low > equal->interval.high || r.interval.high < equal->interval.low;
    }
  }
}

std::vector<std::string> candidates_of(const Duel& duel) {
  std::vector<std::string> names;
  for (const DuelRecord& r : duel.records)
    if (std::find(names.begin(), names.end(), r.candidate) == names.end()) names.push_back(r.candidate);
  return names;
}

std::vector<ClassMean> class_means(const Duel& duel) {
  const std::vector<std::string> candidates = candidates_of(duel);
  std::map<std::tuple<ProblemClass, Pass, std::optional<size_t>, size_t>, std::vector<double>> ratios;
  for (const DuelRecord& r : duel.records)
    if (r.ratio > 0) {
      const size_t candidate =
          size_t(std::find(candidates.begin(), candidates.end(), r.candidate) - candidates.begin());
      ratios[{class_of(duel.problems[r.problem]), r.pass, r.workspace_cap, candidate}].push_back(r.ratio);
    }
  std::vector<ClassMean> means;
  for (const auto& [key, values] : ratios) {
    const auto& [problem_class, pass, cap, candidate] = key;
    means.push_back(
        {problem_class, pass, cap, candidates[candidate], int(values.size()), geometric_mean(values)});
  }
  return means;
}

}  // namespace gabor
