#include "backends/op_tests/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/stored_floats.h"
#include "ops/budget.h"

namespace gabor::op_tests {

void Judge::fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

void Judge::within(const std::string& tensor, const Guarded& output, std::span<const double> want,
                   std::span<const double> budget, double terms) {
  const std::vector<float> got = output.floats();
  if (got.size() != want.size() || want.size() != budget.size())
    return fail(fmt::format("{}: {} elements, expected {}", tensor, got.size(), want.size()));
  double errors = 0, budgets = 0, storage_errors = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const double g = got[i], w = want[i];
    if (std::isnan(w) || std::isinf(w)) {
      if (std::isnan(w) ? !std::isnan(g) : g != w)
        return fail(fmt::format("{}[{}] is {}, expected {}", tensor, i, g, w));
      continue;
    }
    const double rounded_off = storage_error(output.type(), std::fabs(w) + budget[i]);
    const double most = budget[i] + rounded_off;
    if (std::isinf(most)) continue;  // may overflow
    const double error = std::fabs(g - w);
    if (!(error <= most))  // a NaN is caught here
      return fail(fmt::format("{}[{}] is {:.9g}, expected {:.9g} +- {:.3g}", tensor, i, g, w, most));
    if (most > 0) worst_ = std::max(worst_, error / most);
    errors += error * error;
    budgets += budget[i] * budget[i];
    storage_errors += rounded_off * rounded_off;
  }
  // What is rounded off in the end has nothing to cancel with.
  const double most = 4 / std::sqrt(terms) * std::sqrt(budgets) + std::sqrt(storage_errors);
  if (terms > 16 && std::sqrt(errors) > most)
    fail(fmt::format("{}: error of {:.3g} over all elements; {:.3g} is expected at most", tensor,
                     std::sqrt(errors), most));
}

void Judge::exact(const std::string& tensor, const Guarded& output, std::span<const double> want) {
  const std::vector<float> got = output.floats();
  if (got.size() != want.size())
    return fail(fmt::format("{}: {} elements, expected {}", tensor, got.size(), want.size()));
  for (size_t i = 0; i < got.size(); i++) {
    const float w = stored(float(want[i]), output.type());
    if (!(got[i] == w || (std::isnan(got[i]) && std::isnan(w))))
      return fail(fmt::format("{}[{}] is {:.9g}, expected exactly {:.9g}", tensor, i, got[i], w));
  }
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
