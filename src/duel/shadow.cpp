#include "duel/shadow.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "duel/case.h"
#include "duel/problem_text.h"
#include "duel/shadowed_backend.h"

namespace gabor {
namespace {

bool finite(const CallTensors& call) {
  for (const HostTensor& t : call.inputs)
    for (size_t i = 0; t && t.dtype() == DType::f32 && i < t.floats().size(); i++)
      if (!std::isfinite(t.floats()[i])) return false;
  return true;
}

}  // namespace

std::string ShadowSummary::text() const {
  std::string out = fmt::format("{} check{}", steps, steps == 1 ? "" : "s");
  const auto largest = std::max_element(worst.begin(), worst.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  if (largest != worst.end())
    out += fmt::format(", worst {} {:.2g} of its budget", largest->first, largest->second);
  return out;
}

Shadow::Shadow(const Library& main, const Library& second) : second_(second) {
  summary_.backend = second.backends()[0]->name();
  summary_.unchecked.insert("the optimizer's update");
  if (main.backends()[0]->name() == summary_.backend)
    fail(ErrorCode::usage, "--shadow", "'{}' is the backend of this run: it cannot check itself{}",
         summary_.backend, summary_.backend == "reference" ? "" : "; use reference");
  std::vector<std::shared_ptr<const Backend>> seen;
  for (const auto& b : main.backends())
    seen.push_back(shadowed_backend(b, &watching_,
                                    [this](const Backend& by, const AnyProblem& problem, Pass pass,
                                           CallTensors call, std::vector<HostTensor> made) {
                                      judge(by, problem, pass, std::move(call), std::move(made));
                                    }));
  library_ = std::make_unique<Library>(
      Library(std::move(seen), main.notes()).tuned(main.choices(), {}).in_precision(main.precision()));
}

Shadow::~Shadow() = default;

void Shadow::begin_step() {
  calls_.clear(), checks_.clear();
  watching_ = true;
}

const Backend* Shadow::checker(const Backend& main, const Case& c, std::string& why_not) const {
  std::vector<std::string> reasons;
  for (const auto& b : second_.backends()) {
    const std::string name(b->name());
    if (name == main.name()) continue;
    const Support support = c.has_op(b->ops()) ? c.supports(b->ops()) : Support::no("not written for it");
    if (support) return b.get();
    reasons.push_back(name + ": " + support.reason);
  }
  why_not = reasons.empty() ? "it ran on " + std::string(main.name()) + " itself" : join(reasons, "; ");
  return nullptr;
}

void Shadow::judge(const Backend& main, const AnyProblem& problem, Pass pass, CallTensors call,
                   std::vector<HostTensor> got) {
  Judged& judged = calls_.emplace_back(Judged{op_name(problem), {}, {}});
  // By IEEE 754, 0 times infinity is NaN, and backends may choose to give 0.
  if (!finite(call)) return void(judged.unsupported = "inputs that are not finite");
  const Backend* by = checker(main, *unjudged_case(problem, pass), judged.unsupported);
  if (!by) return;
  DuelProblem item{.problem = problem};
  item.given = std::make_shared<const CallTensors>(std::move(call));
  const auto c = make_case(item, pass, *by, 0);
  std::string fault;
  for (size_t i = 0; i < got.size(); i++) {
    if (!got[i]) continue;
    Score score;
    add_to(score, c->outputs[i], std::as_const(got[i]).view(), judged_math(main.traits()));
    if (fault.empty()) fault = score.fault;
    judged.outputs.push_back({c->outputs[i].name, score.max, std::move(score.fault)});
  }
  if (fault.empty() || breach_) return;
  std::vector<HostTensor> want;
  for (Expected& e : c->outputs) want.push_back(std::move(e.want));
  breach_ = std::make_unique<ShadowBreach>(ShadowBreach{
      "", std::string(main.name()), main.traits().math, c->kernel(main.ops()), std::string(by->name()),
      problem, pass, fault, *item.given, std::move(got), std::move(want)});
}

void Shadow::step_ran(const Step& step, bool backward) {
  if (!watching_) return;
  const std::string_view op = step.op();
  if (op == "head") summary_.unchecked.insert(step.layer + "'s gradients behind its pooling and each ReLU");
  for (const Judged& call : calls_) {
    // What is fused into a step has results of the same names as its own.
    const bool fused = op == "head" || (std::string_view(call.op) == "activation" && op != call.op);
    if (!call.unsupported.empty())
      summary_.unchecked.insert(fmt::format("{} {} ({})", step.layer, call.op, call.unsupported));
    for (const ShadowCheck& o : call.outputs) {
      checks_.push_back({fmt::format("{} {}{}", step.layer, fused ? std::string(call.op) + " " : "", o.label),
                         o.fraction, o.fault});
      double& worst = summary_.worst[checks_.back().label];
      worst = std::max(worst, o.fraction);
    }
  }
  if (calls_.empty() && !backward) summary_.unchecked.insert(fmt::format("{} {}", step.layer, step.op()));
  calls_.clear();
  if (breach_ && breach_->layer.empty()) breach_->layer = step.layer;
}

std::vector<ShadowCheck> Shadow::end_step() {
  watching_ = false;
  summary_.steps++;
  return std::exchange(checks_, {});
}

}  // namespace gabor
