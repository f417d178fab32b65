// Proof of the harness: backends that are wrong in one way each have to be reported.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backends/op_tests/op_comparison.h"
#include "backends/reference/backend.h"
#include "ops/conv2d.h"
#include "ops/pool2d.h"

namespace gabor {
namespace {

using op_tests::OpComparison;
using op_tests::OpReport;

constexpr int kProblems = 40;

// What is done to the output of a right convolution.
using Spoil = void (*)(TensorView out, int64_t channels);

float* last(TensorView t) { return t.as<float>() + t.count() - 1; }

void zeros(TensorView t, int64_t) { std::fill_n(t.as<float>(), t.count(), 0.0f); }
void beyond_the_end(TensorView t, int64_t) { t.as<float>()[t.count()] = 0; }
void before_the_start(TensorView t, int64_t) { t.as<float>()[-1] = 0; }
void one_infinity(TensorView t, int64_t) { *last(t) = INFINITY; }
void one_nan(TensorView t, int64_t) { *last(t) = NAN; }
// Off by a thousandth of itself: far above what rounding does, far below what an eye would see.
void slightly_off(TensorView t, int64_t) {
  for (int64_t i = 0; i < t.count(); i++) t.as<float>()[i] *= 1.001f;
}
void swapped_channels(TensorView t, int64_t channels) {
  if (channels < 2) return;
  for (float* row = t.as<float>(); row <= last(t); row += channels) std::swap(row[0], row[1]);
}

// The reference convolution, spoiled.
class Spoiled final : public Conv2d {
 public:
  Spoiled(const Conv2d& right, Spoil spoil) : right_(right), spoil_(spoil) {}
  Support supports(const Conv2dProblem&, Pass) const override { return Support::yes(); }
  size_t workspace_bytes(const Conv2dProblem&, Pass) const override { return 0; }
  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    right_.fprop(context, p, x, w, b, y);
    spoil_(y, p.K);
  }
  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    right_.dgrad(context, p, dy, w, dx, mode);
    spoil_(dx, p.C);
  }
  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    right_.wgrad(context, p, x, dy, dw, db, mode);
    spoil_(dw, p.C / p.groups);
  }

 private:
  const Conv2d& right_;
  Spoil spoil_;
};

// A backend with one convolution in place of the reference's.
class WithConv2d final : public Backend {
 public:
  explicit WithConv2d(const Conv2d& conv2d) { ops_.conv2d = &conv2d; }
  std::string_view name() const override { return "spoiled"; }
  Device& device() const override { return host_device(); }
  const OpSet& ops() const override { return ops_; }

 private:
  OpSet ops_;
};

class Harness : public testing::Test {
 protected:
  const Conv2d& right() const { return *reference_->ops().conv2d; }
  OpReport judged(const Conv2d& conv2d, Pass pass) const {
    return OpComparison(std::make_shared<WithConv2d>(conv2d), 7).conv2d(pass, kProblems);
  }
  // Reported in each pass, in nearly every problem (some have no second channel, or a result of 0).
  void expect_caught(Spoil spoil, const char* word) const {
    const Spoiled wrong(right(), spoil);
    for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
      const OpReport report = judged(wrong, pass);
      EXPECT_GE(report.failed, kProblems * 2 / 3) << report.text();
      EXPECT_NE(report.first_failure.find(word), std::string::npos) << report.first_failure;
    }
  }

 private:
  std::shared_ptr<const Backend> reference_ = make_reference_backend();
};

TEST_F(Harness, PassesWhatIsRight) {
  const Spoiled untouched(right(), [](TensorView, int64_t) {});
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
    const OpReport report = judged(untouched, pass);
    EXPECT_TRUE(report.good(kProblems)) << report.text();
  }
}
TEST_F(Harness, CatchesZeros) { expect_caught(zeros, "expected"); }
TEST_F(Harness, CatchesSwappedChannels) { expect_caught(swapped_channels, "expected"); }
TEST_F(Harness, CatchesAWriteBeyondTheEnd) { expect_caught(beyond_the_end, "beyond the end"); }
TEST_F(Harness, CatchesAWriteBeforeTheStart) { expect_caught(before_the_start, "before the tensor"); }
TEST_F(Harness, CatchesInfinityAndNaN) {
  expect_caught(one_infinity, "inf");
  expect_caught(one_nan, "nan");
}
TEST_F(Harness, CatchesASmallError) { expect_caught(slightly_off, "expected"); }

// Writes all of y but one element.
class OneUnwritten final : public Conv2d {
 public:
  explicit OneUnwritten(const Conv2d& right) : right_(right) {}
  Support supports(const Conv2dProblem& p, Pass pass) const override { return right_.supports(p, pass); }
  size_t workspace_bytes(const Conv2dProblem&, Pass) const override { return 0; }
  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    const float before = *last(y);
    right_.fprop(context, p, x, w, b, y);
    *last(y) = before;
  }
  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    const float before = *last(dx);
    right_.dgrad(context, p, dy, w, dx, mode);
    *last(dx) = before;
  }
  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const float before = *last(dw);
    right_.wgrad(context, p, x, dy, dw, db, mode);
    *last(dw) = before;
  }

 private:
  const Conv2d& right_;
};

TEST_F(Harness, CatchesAnUnwrittenElement) {
  const OneUnwritten wrong(right());
  // Where the gradient is added to what was there, an element whose share is 0 may stay as it was.
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
    const OpReport report = judged(wrong, pass);
    EXPECT_GE(report.failed, kProblems / 2) << report.text();
  }
}

// Reads one element beyond x, changes an input, takes its workspace to be zero, throws, or says no to
// everything.
class Careless final : public Conv2d {
 public:
  enum Fault { reads_beyond, changes_input, trusts_workspace, throws, refuses };
  Careless(const Conv2d& right, Fault fault) : right_(right), fault_(fault) {}
  Support supports(const Conv2dProblem&, Pass) const override {
    return fault_ == refuses ? Support::no("not today") : Support::yes();
  }
  size_t workspace_bytes(const Conv2dProblem&, Pass) const override { return 64; }
  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    if (fault_ == throws) fail(ErrorCode::device, "x", "is not to its liking");
    right_.fprop(context, p, x, w, b, y);
    if (fault_ == reads_beyond) *last(y) += 0 * x.as<float>()[x.count()];
    if (fault_ == trusts_workspace) *last(y) += static_cast<float*>(context.workspace)[0];
    if (fault_ == changes_input) const_cast<float*>(x.as<float>())[0] += 1;
  }
  void dgrad(Context&, const Conv2dProblem&, ConstTensorView, ConstTensorView, TensorView,
             GradMode) const override {}
  void wgrad(Context&, const Conv2dProblem&, ConstTensorView, ConstTensorView, TensorView, TensorView,
             GradMode) const override {}

 private:
  const Conv2d& right_;
  Fault fault_;
};

TEST_F(Harness, CatchesCarelessness) {
  for (auto fault :
       {Careless::reads_beyond, Careless::changes_input, Careless::trusts_workspace, Careless::throws}) {
    const OpReport report = judged(Careless(right(), fault), Pass::fprop);
    EXPECT_GE(report.failed, kProblems - 2) << fault << report.text();
  }
}

TEST_F(Harness, ABackendThatRefusesEverythingIsNotGood) {
  const OpReport report = judged(Careless(right(), Careless::refuses), Pass::fprop);
  EXPECT_FALSE(report.good(1));
  EXPECT_NE(report.unsupported_reason.find("not today"), std::string::npos);
}

}  // namespace
}  // namespace gabor
