#include "duel/score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/budget.h"

namespace gabor {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kNear1 = 0.99;  // the quantile that is reported beside the maximum

// Where inputs are not finite the same must come out: NaN, or that infinity.
double difference(double got, double want) {
  if (std::isfinite(want)) return std::fabs(got - want);
  return got == want || (std::isnan(got) && std::isnan(want)) ? 0 : kInfinite;
}

double fraction(double error, double budget) {
  if (error <= budget) return budget > 0 && std::isfinite(budget) ? error / budget : 0;
  return budget > 0 && std::isfinite(error) ? error / budget : kInfinite;  // NaN comes here too
}

// "0,3,1,2" of element i.
std::string coordinates(const Shape& shape, size_t i) {
  std::string text;
  auto rest = int64_t(i);
  for (int axis = shape.rank() - 1; axis >= 0; axis--) {
    text = std::to_string(rest % shape[axis]) + (text.empty() ? "" : "," + text);
    rest /= shape[axis];
  }
  return text;
}

}  // namespace

std::string judged_math(const Traits& traits) { return traits.storage == DType::f32 ? traits.math : "fp32"; }

void add_to(Score& score, const Expected& e, ConstTensorView got, const std::string& math) {
  if (!e.want) return;  // it was left out
  const size_t count = size_t(e.want.shape().count());
  std::vector<float> fractions(count);
  double errors = 0, budgets = 0, storage_errors = 0;
  const DType storage = got.dtype == e.want.dtype() ? DType::f32 : got.dtype;
  for (size_t i = 0; i < count; i++) {
    const double g = element(got, i), w = e.want.value(i);
    const double own = std::isfinite(w) ? e.budget(i, math) : 0, error = difference(g, w);
    const double rounded_off = std::isfinite(w) ? storage_error(storage, std::fabs(w) + own) : 0;
    const double budget = own + rounded_off, f = fraction(error, budget);
    fractions[i] = float(f);
    errors += error * error, budgets += own * own, storage_errors += rounded_off * rounded_off;
    if (f > 1 && score.right())
      score.fault = fmt::format("{}[{}] is {:.9g}, expected {:.9g} +- {:.3g}", e.name,
                                coordinates(e.want.shape(), i), g, w, budget);
  }
  // A few products may be nearly all of a sum, and then what was rounded off their operands meets little to cancel with. (In
  // fp32 that is little beside the budget, which is for as many roundings as there are terms.)
  const bool cancels = e.drawn || operand_rounding(math) == 0;
  // What is rounded off in the end has nothing to cancel with.
  const double most = 4 / std::sqrt(e.terms) * std::sqrt(budgets) + std::sqrt(storage_errors);
  if (e.terms > 16 && cancels && score.right() && !(std::sqrt(errors) <= most))
    score.fault =
        fmt::format("{}: error of {:.3g} of the budget over all elements; {:.3g} is expected at most", e.name,
                    std::sqrt(errors / budgets), most / std::sqrt(budgets));
  if (count == 0) return;
  score.max = std::max(score.max, double(*std::max_element(fractions.begin(), fractions.end())));
  const auto near = fractions.begin() + long(kNear1 * double(count - 1));
  std::nth_element(fractions.begin(), near, fractions.end());
  score.p99 = std::max(score.p99, double(*near));
}

std::string indistinct_output(const Case& c, const std::string& math) {
  for (const Expected& e : c.outputs) {
    if (!e.want || e.want.dtype() != DType::f32) continue;
    const HostTensor zeros(e.want.shape());
    Score score;
    add_to(score, e, zeros.view(), math);
    if (score.right()) return e.name;
  }
  return "";
}

}  // namespace gabor
