// A head's tensors on the host, and what each should be, in double, by what the kernel has left of the one before: differences
// do not build up.
#pragma once
#include "core/problem/head.h"
#include "kernels/judge.h"

namespace gabor::kernel_tests {

struct HeadValues {
  std::vector<float> x, pooled, dx, loss;
  std::vector<int32_t> labels, counts;
  std::vector<std::vector<float>> w, b, y, dz, dw, db;  // one a dense layer; an empty b: none

  // What layer i reads.
  const std::vector<float>& x_of(size_t i) const { return i > 0 ? y[i - 1] : pooled.empty() ? x : pooled; }
};

// pooled: no budget, a maximum is exact.
Expected head_pooled(const HeadProblem& p, const HeadValues& v);
Expected head_y(const HeadProblem& p, const HeadValues& v, size_t layer);
struct ExpectedLoss {
  Expected loss, dz;
  std::vector<int32_t> counts{0, 0};
};
ExpectedLoss head_loss(const HeadProblem& p, const HeadValues& v, float scale);
// dz of the layer before.
Expected head_dz(const HeadProblem& p, const HeadValues& v, size_t layer);
Expected head_dx(const HeadProblem& p, const HeadValues& v);
// before: what dw and db held and are added to; null: nothing.
Expected head_dw(const HeadProblem& p, const HeadValues& v, size_t layer, const std::vector<float>* before);
Expected head_db(const HeadProblem& p, const HeadValues& v, size_t layer, const std::vector<float>* before);

}  // namespace gabor::kernel_tests
