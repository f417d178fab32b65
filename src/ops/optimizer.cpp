#include "ops/optimizer.h"

#include <cmath>

#include "core/error.h"

namespace gabor {

UpdateValues update_values(const OptimizerProblem& p, float lr, int64_t t) {
  GABOR_CHECK(t >= 1);
  const double correction1 = 1 - std::pow(double(p.beta1), double(t));
  const double correction2 = std::sqrt(1 - std::pow(double(p.beta2), double(t)));
  return {.t = t,
          .lr = lr,
          .adam_rate = float(lr * correction2 / correction1),
          .adam_epsilon = float(p.epsilon * correction2)};
}

}  // namespace gabor
