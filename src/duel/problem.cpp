#include "duel/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace gabor {
namespace {

constexpr const char* kClassNames[kProblemClasses] = {"first layer", "1x1",        "3x3 s1", "stride 2",
                                                      "depthwise",   "other conv", "dense",  "pooling",
                                                      "softmax",     "other"};

template <class Problem>
constexpr bool kIsMap = std::is_same_v<Problem, Conv2dProblem> || std::is_same_v<Problem, Pool2dProblem>;

double flops(const Conv2dProblem& p) {
  const Reach h = reach(p.H, p.R, p.pad.top, p.stride_h, p.dil_h, p.P());
  const Reach w = reach(p.W, p.S, p.pad.left, p.stride_w, p.dil_w, p.Q());
  return 2.0 * double(p.N) * double(p.K) * double(p.C / p.groups) * double(h.taps) * double(w.taps);
}
double flops(const DenseProblem& p) { return double(p.flops()); }
double flops(const Pool2dProblem& p) {
  return double(p.N) * double(p.C) * double(reach(p.H, p.R, p.pad.top, p.stride_h, 1, p.P()).taps) *
         double(reach(p.W, p.S, p.pad.left, p.stride_w, 1, p.Q()).taps);
}
// Subtraction of the maximum, exponential, sum and quotient; backward: product, sum, difference, product.
double flops(const SoftmaxProblem& p) { return 4.0 * double(p.N) * double(p.K); }
double flops(const LossProblem& p) { return 6.0 * double(p.N) * double(p.K); }
double flops(const ActivationProblem& p) { return double(p.count); }
double flops(const FirstBlockProblem& p) { return flops(p.conv); }
double flops(const BatchNormProblem& p) { return 8.0 * double(p.rows) * double(p.C); }

// The ops that a problem list or a model gives; the others come with tensors, which nobody cuts down.
template <class Problem>
constexpr bool kHasBatch =
    kIsMap<Problem> || std::is_same_v<Problem, DenseProblem> || std::is_same_v<Problem, SoftmaxProblem>;

// Whether a map of that size still means what the problem meant.
bool large_enough(const Conv2dProblem& p) {
  return p.H >= std::max({(p.R - 1) * p.dil_h + 1, p.pad.top + 1, p.pad.bottom + 1}) &&
         p.W >= std::max({(p.S - 1) * p.dil_w + 1, p.pad.left + 1, p.pad.right + 1});
}
bool large_enough(const Pool2dProblem& p) { return p.H >= p.R && p.W >= p.S; }

}  // namespace

Reach reach(int64_t extent, int64_t window, int64_t before, int64_t stride, int64_t dilation,
            int64_t positions) {
  Reach out;
  std::vector<bool> touched(size_t(extent), false);
  for (int64_t i = 0; i < positions; i++)
    for (int64_t r = 0; r < window; r++) {
      const int64_t at = i * stride - before + r * dilation;
      if (at < 0 || at >= extent) continue;
      out.taps++;
      out.touched += !touched[size_t(at)];
      touched[size_t(at)] = true;
    }
  return out;
}

double flops_of(const AnyProblem& any) {
  return std::visit([](const auto& p) { return flops(p); }, any);
}

const char* name_of(ProblemClass c) { return kClassNames[int(c)]; }

ProblemClass class_of(const DuelProblem& p) {
  if (std::holds_alternative<Pool2dProblem>(p.problem)) return ProblemClass::pooling;
  if (std::holds_alternative<DenseProblem>(p.problem)) return ProblemClass::dense;
  if (std::holds_alternative<SoftmaxProblem>(p.problem)) return ProblemClass::softmax;
  if (!std::holds_alternative<Conv2dProblem>(p.problem)) return ProblemClass::other;
  const auto& c = std::get<Conv2dProblem>(p.problem);
  if (c.groups > 1 && c.groups == c.C) return ProblemClass::depthwise;
  if (p.first) return ProblemClass::first_layer;
  if (c.stride_h > 1 || c.stride_w > 1) return ProblemClass::stride;
  if (c.R == 1 && c.S == 1) return ProblemClass::pointwise;
  return c.R == 3 && c.S == 3 ? ProblemClass::three : ProblemClass::other_conv;
}

std::vector<Pass> passes_of(const DuelProblem& p, const std::vector<Pass>& wanted) {
  const auto is = [&](const char* op) { return std::string_view(op_name(p.problem)) == op; };
  const bool weights = is("conv2d") || is("dense"), block = is("first_block"), loss = is("loss");
  std::vector<Pass> passes;
  for (const Pass pass : wanted)
    if (pass == Pass::fprop || (pass == Pass::dgrad && !p.first && !block && !loss) ||
        (pass == Pass::wgrad && (weights || block)))
      passes.push_back(pass);
  return passes;
}

void scale_down(DuelProblem& item, double most_flops) {
  if (flops_of(item.problem) <= most_flops) return;
  const std::string before = to_string(item.problem);
  std::visit(
      [&](auto& p) {
        if constexpr (kHasBatch<std::decay_t<decltype(p)>>)
          p.N = std::clamp<int64_t>(int64_t(most_flops / (flops(p) / double(p.N))), 1, p.N);
        if constexpr (kIsMap<std::decay_t<decltype(p)>>)
          while (flops(p) > most_flops) {
            auto half = p;
            half.H = p.H / 2, half.W = p.W / 2;
            if (!large_enough(half)) break;
            p = half;
          }
      },
      item.problem);
  if (const std::string now = to_string(item.problem); now != before && item.scaled_from.empty())
    item.scaled_from = before;
}

void set_batch(DuelProblem& item, int64_t N) {
  std::visit(
      [&](auto& p) {
        if constexpr (kHasBatch<std::decay_t<decltype(p)>>) p.N = N;
      },
      item.problem);
}

}  // namespace gabor
