#include "tune/precision_check.h"

#include <utility>

#include "duel/case.h"
#include "duel/score.h"

namespace gabor {

std::string fault_in(const TunedPass& pass, const Backend& rounding, const Backend& exact) {
  constexpr double kMostFlops = 1e7;
  DuelProblem item;
  std::visit([&](const auto& p) { item.problem = p; }, pass.problem);
  scale_down(item, kMostFlops);
  const auto c = make_case(item, pass.pass, exact, 1, rounding.traits().storage);
  if (!c->supports(rounding.ops())) return "";  // the smaller one it leaves to others
  const auto got = outputs_of(*c, rounding, c->inputs, c->before);
  Score score;
  for (size_t i = 0; i < got.size(); i++)
    if (score.right()) add_to(score, c->outputs[i], got[i].view(), judged_math(rounding.traits()));
  return score.fault;
}

}  // namespace gabor
