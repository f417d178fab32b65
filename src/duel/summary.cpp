#include "duel/summary.h"

#include <algorithm>
#include <map>
#include <set>
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

bool is_part(const AnyProblem& any, const FirstBlockProblem& block) {
  Conv2dProblem conv = block.conv;
  conv.activation = {};
  if (const auto* p = std::get_if<Conv2dProblem>(&any)) return *p == conv;
  if (const auto* p = std::get_if<Pool2dProblem>(&any)) return *p == block.pool;
  const auto* p = std::get_if<ActivationProblem>(&any);
  return p && p->count == conv.y_shape().count() && p->activation == block.conv.activation;
}

// The medians of the three parts of a block that r ran; 0 when one is missing. Backward of what has no weights is dgrad.
double seconds_of_parts(const Duel& duel, const FirstBlockProblem& block, const DuelRecord& r) {
  double seconds = 0;
  std::set<size_t> kinds;  // of the parts that were found: one of each counts, though a net may have more
  for (const DuelRecord& part : duel.records) {
    const AnyProblem& problem = duel.problems[part.problem].problem;
    const bool weights = std::holds_alternative<Conv2dProblem>(problem);
    const Pass pass = r.pass == Pass::fprop || weights ? r.pass : Pass::dgrad;
    if (part.pass != pass || part.candidate != r.candidate || part.workspace_cap != r.workspace_cap ||
        !counts(part) || !is_part(problem, block))
      continue;
    if (kinds.insert(problem.index()).second) seconds += part.median;
  }
  return kinds.size() == 3 ? seconds : 0;
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

std::vector<BlockParts> blocks_and_parts(const Duel& duel) {
  std::vector<BlockParts> out;
  for (const DuelRecord& r : duel.records) {
    const auto* block = std::get_if<FirstBlockProblem>(&duel.problems[r.problem].problem);
    if (!block || !counts(r)) continue;
    const double seconds = seconds_of_parts(duel, *block, r);
    if (seconds > 0) out.push_back({&r, seconds});
  }
  return out;
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
