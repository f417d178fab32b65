#include "duel/weighted_case.h"
#include "ops/conv2d.h"

namespace gabor {
namespace {

class Conv2dCase final : public WeightedCase<Conv2d, Conv2dProblem> {
 public:
  Conv2dCase(const Conv2dProblem& p, Pass pass)
      : WeightedCase(
            p, pass, &OpSet::conv2d,
            {double(p.reduction()), double(p.R * p.S * (p.K / p.groups)), double(p.N * p.P() * p.Q())}) {
    flops = flops_of(p);
    if (pass == Pass::dgrad) return;  // dx is written in whole
    const int64_t touched = reach(p.H, p.R, p.pad.top, p.stride_h, p.dil_h, p.P()).touched *
                            reach(p.W, p.S, p.pad.left, p.stride_w, p.dil_w, p.Q()).touched;
    bytes -= float_bytes({{p.N, p.H, p.W, p.C}}) - float_bytes({{p.N, touched, p.C}});
  }
  std::string kernel(const OpSet& ops) const override { return ops.conv2d->kernel(p_, pass_); }
};

}  // namespace

std::unique_ptr<Case> conv2d_case(const Conv2dProblem& p, Pass pass) {
  return std::make_unique<Conv2dCase>(p, pass);
}

}  // namespace gabor
