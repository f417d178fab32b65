// Says whether the outputs of one run are right, and keeps the first thing that is not.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "backends/op_tests/guarded.h"

namespace gabor::op_tests {

class Judge {
 public:
  // Each element within its budget of want. NaN where want is NaN and nowhere else; infinite where want is.
  // terms: length of the sums behind each element; from 17 on the root of the summed squares of the errors
  // must also stay below 4 sqrt(terms)/terms of that of the budgets, which a sum in a bad order or with a
  // short accumulator exceeds long before the worst case that `budget` allows.
  // To the budget comes what got's type rounds off (ops/budget.h: storage_error).
  void within(const std::string& tensor, const Guarded& got, std::span<const double> want,
              std::span<const double> budget, double terms = 1);
  // The very numbers (0 and -0 are the same; NaN equals NaN), rounded to got's type.
  void exact(const std::string& tensor, const Guarded& got, std::span<const double> want);
  void exact(const std::string& tensor, std::span<const int32_t> got, std::span<const int32_t> want);
  // No guard band and no input was written.
  void intact(std::initializer_list<const Guarded*> tensors);

  void fail(std::string what);
  const std::string& failure() const { return failure_; }  // "": none so far
  double worst() const { return worst_; }  // largest error as a fraction of its budget, among the right ones

 private:
  std::string failure_;
  double worst_ = 0;
};

}  // namespace gabor::op_tests
