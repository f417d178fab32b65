#include "duel/weighted_case.h"
#include "ops/dense.h"

namespace gabor {

std::unique_ptr<Case> dense_case(const DenseProblem& p, Pass pass) {
  return std::make_unique<WeightedCase<Dense, DenseProblem>>(
      p, pass, &OpSet::dense, WeightedTerms{double(p.C), double(p.K), double(p.N)});
}

}  // namespace gabor
