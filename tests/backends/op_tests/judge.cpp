#include "backends/op_tests/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gabor::op_tests {

void Judge::fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

void Judge::within(const std::string& tensor, std::span<const float> got, std::span<const double> want,
                   std::span<const double> budget, double terms) {
  if (got.size() != want.size() || want.size() != budget.size())
    return fail(fmt::format("{}: {} elements, expected {}", tensor, got.size(), want.size()));
  double errors = 0, budgets = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const double g = got[i], w = want[i];
    if (std::isnan(w) || std::isinf(w)) {
      if (std::isnan(w) ? !std::isnan(g) : g != w)
        return fail(fmt::format("{}[{}] is {}, expected {}", tensor, i, g, w));
      continue;
    }
    if (std::isinf(budget[i])) continue;  // may overflow in float
    const double error = std::fabs(g - w);
    if (!(error <= budget[i]))  // a NaN is caught here
      return fail(fmt::format("{}[{}] is {:.9g}, expected {:.9g} +- {:.3g}", tensor, i, g, w, budget[i]));
    if (budget[i] > 0) worst_ = std::max(worst_, error / budget[i]);
    errors += error * error;
    budgets += budget[i] * budget[i];
  }
  if (terms > 16 && std::sqrt(errors) > 4 / std::sqrt(terms) * std::sqrt(budgets))
    fail(fmt::format("{}: error of {:.3g} of the budget over all elements; {:.3g} is expected at most",
                     tensor, std::sqrt(errors / budgets), 4 / std::sqrt(terms)));
}

void Judge::exact(const std::string& tensor, std::span<const float> got, std::span<const double> want) {
  if (got.size() != want.size())
    return fail(fmt::format("{}: {} elements, expected {}", tensor, got.size(), want.size()));
  for (size_t i = 0; i < got.size(); i++)
    if (!(got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))))
      return fail(fmt::format("{}[{}] is {:.9g}, expected exactly {:.9g}", tensor, i, got[i], want[i]));
}

void Judge::exact(const std::string& tensor, std::span<const int32_t> got, std::span<const int32_t> want) {
  if (got.size() != want.size())
    return fail(fmt::format("{}: {} elements, expected {}", tensor, got.size(), want.size()));
  for (size_t i = 0; i < got.size(); i++)
    if (got[i] != want[i]) return fail(fmt::format("{}[{}] is {}, expected {}", tensor, i, got[i], want[i]));
}

void Judge::intact(std::initializer_list<const Guarded*> tensors) {
  for (const Guarded* t : tensors)
    if (const std::string damage = t->damage(); !damage.empty()) return fail(damage);
}

}  // namespace gabor::op_tests
