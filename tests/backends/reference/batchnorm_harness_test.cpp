// Proof of the harness for batch normalisation: the mistakes that are made with it have to be reported.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backends/op_tests/op_comparison.h"
#include "backends/reference/backend.h"
#include "ops/batchnorm.h"

namespace gabor {
namespace {

using op_tests::OpComparison;
using op_tests::OpReport;

constexpr int kProblems = 60;

enum class Fault {
  none,
  zeros,                // y and dx are 0
  cancelling_variance,  // E[x^2] - mean^2 in float
  biased_running_var,
  running_stays,
  inference_of_batch,   // inference takes the batch's statistics
  constant_statistics,  // dx without the terms through mean and variance
  overwrites,           // gradients do not add
  half_the_channels,
  no_activation,
};

class Faulty final : public BatchNorm {
 public:
  Faulty(const BatchNorm& right, Fault fault) : right_(right), fault_(fault) {}
  Support supports(const BatchNormProblem&) const override { return Support::yes(); }
  size_t workspace_bytes(const BatchNormProblem&) const override { return 0; }

  void forward_training(Context& context, const BatchNormProblem& asked, ConstTensorView x,
                        ConstTensorView gamma, ConstTensorView beta, TensorView y, TensorView mean,
                        TensorView rstd, TensorView running_mean, TensorView running_var) const override {
    BatchNormProblem p = asked;
    if (fault_ == Fault::no_activation) p.activation = {};
    float *rm = running_mean.as<float>(), *rv = running_var.as<float>();
    const int64_t moved = rm ? p.C : 0;  // running statistics
    const std::vector<float> mean_before(rm, rm + moved), var_before(rv, rv + moved);
    right_.forward_training(context, p, x, gamma, beta, y, mean, rstd, running_mean, running_var);
    if (fault_ == Fault::zeros) std::fill_n(y.as<float>(), y.count(), 0.0f);
    if (fault_ == Fault::half_the_channels) std::fill_n(y.as<float>() + y.count() - p.C / 2, p.C / 2, 0.0f);
    if (fault_ == Fault::running_stays) std::copy(mean_before.begin(), mean_before.end(), rm);
    if (fault_ == Fault::biased_running_var && p.rows > 1)
      for (int64_t c = 0; c < moved; c++)
        rv[c] += float((1 / p.unbiased() - 1) *
                       (double(rv[c]) - (1 - double(p.momentum)) * var_before[size_t(c)]));
    if (fault_ == Fault::cancelling_variance)
      for (int64_t c = 0; c < p.C; c++) {
        float sum = 0, squares = 0;
        for (int64_t r = 0; r < p.rows; r++) {
          const float v = x.as<float>()[r * p.C + c];
          sum += v, squares += v * v;
        }
        const float m = sum / float(p.rows), var = std::max(squares / float(p.rows) - m * m, 0.0f);
        rstd.as<float>()[c] = 1 / std::sqrt(var + p.epsilon);
      }
  }

  void forward_inference(Context& context, const BatchNormProblem& p, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                         ConstTensorView running_var, TensorView y) const override {
    std::vector<float> unused(4 * size_t(p.C), 1.0f);
    const auto view = [&](int i) { return TensorView{unused.data() + i * p.C, {p.C}, DType::f32}; };
    if (fault_ == Fault::inference_of_batch)
      right_.forward_training(context, p, x, gamma, beta, y, view(0), view(1), view(2), view(3));
    else
      right_.forward_inference(context, p, x, gamma, beta, running_mean, running_var, y);
  }

  void backward(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView dy,
                ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                GradMode mode, TensorView dgamma, TensorView dbeta, GradMode parameter_mode) const override {
    if (fault_ == Fault::overwrites) mode = parameter_mode = GradMode::overwrite;
    std::vector<float> given(dy.as<float>(), dy.as<float>() + dy.count());  // dx may be dy
    right_.backward(context, p, x, dy, gamma, mean, rstd, dx, mode, dgamma, dbeta, parameter_mode);
    if (!dx) return;
    float* to = dx.as<float>();
    for (int64_t i = 0; i < dx.count(); i++) {
      const int64_t c = i % p.C;
      if (fault_ == Fault::zeros) to[i] = 0;
      if (fault_ == Fault::constant_statistics)
        to[i] = gamma.as<float>()[c] * rstd.as<float>()[c] * given[size_t(i)];
    }
  }

 private:
  const BatchNorm& right_;
  Fault fault_;
};

class WithBatchNorm final : public Backend {
 public:
  explicit WithBatchNorm(const BatchNorm& op) { ops_.batchnorm = &op; }
  std::string_view name() const override { return "faulty"; }
  Device& device() const override { return host_device(); }
  const OpSet& ops() const override { return ops_; }

 private:
  OpSet ops_;
};

struct Reports {
  OpReport forward, backward;
};

Reports judged(Fault fault) {
  const auto reference = make_reference_backend();
  const Faulty op(*reference->ops().batchnorm, fault);
  const OpComparison compare(std::make_shared<WithBatchNorm>(op), 7);
  return {compare.batchnorm_forward(kProblems), compare.batchnorm_backward(kProblems)};
}

TEST(BatchNormHarness, PassesWhatIsRight) {
  const Reports r = judged(Fault::none);
  EXPECT_TRUE(r.forward.good(kProblems)) << r.forward.text();
  EXPECT_TRUE(r.backward.good(kProblems)) << r.backward.text();
}

TEST(BatchNormHarness, CatchesFaultsOfForward) {
  for (Fault fault : {Fault::zeros, Fault::cancelling_variance, Fault::biased_running_var,
                      Fault::running_stays, Fault::inference_of_batch, Fault::half_the_channels}) {
    const OpReport report = judged(fault).forward;
    EXPECT_GE(report.failed, kProblems / 3) << int(fault) << " " << report.text();
  }
  const OpReport report = judged(Fault::no_activation).forward;  // of which every third problem has one
  EXPECT_GE(report.failed, kProblems / 6) << report.text();
}

TEST(BatchNormHarness, CatchesFaultsOfBackward) {
  for (Fault fault : {Fault::zeros, Fault::constant_statistics, Fault::overwrites}) {
    const OpReport report = judged(fault).backward;
    EXPECT_GE(report.failed, kProblems / 3) << int(fault) << " " << report.text();
  }
}

}  // namespace
}  // namespace gabor
