#include "duel/weighted_case.h"
#include "ops/dense.h"

namespace gabor {

std::unique_ptr<Case> dense_case(const DenseProblem& p, Pass pass, const Backend& oracle, uint64_t seed) {
  return std::make_unique<WeightedCase<Dense, DenseProblem>>(p, pass, &OpSet::dense, oracle, seed,
                                                             double(p.C), double(p.K), double(p.N));
}

}  // namespace gabor
