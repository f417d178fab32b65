// The test that every backend has to pass: its ops against the double-precision formulas of the reference
// backend, on thousands of random problems. A result counts as right when
//   - every element lies within its error budget (budget.h), and NaN stands where it must and nowhere else;
//   - with whole-number data every element is exact (this finds indexing errors without any budget);
//   - every element was written, nothing outside the outputs was, no input changed, nothing outside the
//   inputs
//     was read into a result, and the workspace was not taken to be zero (guarded.h).
// Use:
//   OpComparison compare(make_cpu_backend(), seed);
//   OpReport report = compare.conv2d(Pass::fprop, shapes_to_run());
//   EXPECT_TRUE(report.good(shapes_to_run())) << report.text();
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "backends/op_tests/generator.h"
#include "backends/op_tests/judge.h"
#include "ops/backend.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor::op_tests {

// Random problems an op and pass: 2,000, or what GABOR_TEST_SHAPES says (the sanitizer rings run fewer).
int shapes_to_run();

struct OpReport {
  std::string what;  // "cpu conv2d fprop"
  uint64_t seed = 0;
  int64_t ran = 0, unsupported = 0, failed = 0;
  double worst = 0;                // largest error as a fraction of its budget
  std::string worst_problem;       // where that was
  std::string unsupported_reason;  // of the last one
  std::string first_failure;       // problem, data and element
  // All of at least `wanted` problems right.
  bool good(int64_t wanted) const { return failed == 0 && ran >= wanted; }
  std::string text() const;  // one line; with the first failure a second one
};

class OpComparison {
 public:
  OpComparison(std::shared_ptr<const Backend> backend, uint64_t seed)
      : backend_(std::move(backend)), seed_(seed) {}

  // `count` random problems that the backend supports (those it does not are counted apart).
  OpReport conv2d(Pass pass, int count) const;
  OpReport dense(Pass pass, int count) const;
  OpReport pool2d_forward(int count) const;
  OpReport pool2d_backward(int count) const;
  OpReport batchnorm_forward(int count) const;  // training (statistics, running ones too) and inference
  OpReport batchnorm_backward(int count) const;
  OpReport activation_forward(int count) const;
  OpReport activation_backward(int count) const;
  OpReport add(int count) const;  // forward and accumulate
  OpReport normalize(int count) const;
  OpReport dropout(int count) const;  // forward and backward
  OpReport gather(int count) const;
  OpReport softmax(int count) const;  // forward and backward
  OpReport loss(int count) const;
  OpReport head(int count) const;  // both calls
  OpReport optimizer(int count) const;
  OpReport first_block_forward(int count) const;
  OpReport first_block_backward(int count) const;
  // A batch of 33 to 96 images against its chunks, bit for bit (ops/batch_chunks.h).
  OpReport conv2d_chunks(Pass pass, int count) const;
  OpReport dense_chunks(Pass pass, int count) const;
  OpReport first_block_chunks(int count) const;  // forward and backward
  // Each problem of a list.
  OpReport conv2d(Pass pass, std::span<const TaggedConv2d> problems) const;

 private:
  struct Case {
    std::string problem;                            // string form
    Support support;                                // of the backend under test
    std::function<void(Trial&, Data, Judge&)> run;  // one run with fresh data
  };
  // Draws cases until `count` have been run, at most `tries`; each with every kind of data in `data`, special
  // values only in every sixth.
  OpReport sweep(const std::string& op, int64_t count, int64_t tries,
                 const std::function<Case(Random&, int64_t)>& draw, std::span<const Data> data) const;
  static constexpr int kTries = 8;  // draws for each problem wanted: a backend may support few
  static constexpr Data kAllData[] = {Data::real, Data::integer, Data::special}, kRealData[] = {Data::real};

  Case conv2d_case(const Conv2dProblem& problem, Pass pass) const;

  std::shared_ptr<const Backend> backend_;
  uint64_t seed_;
};

}  // namespace gabor::op_tests
