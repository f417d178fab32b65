// Shadow training: while a net trains on one backend, single steps are also computed by a second one. Every call of an op
// is judged by itself: the second backend gets the inputs that the first one had, so that differences do not build up
// from layer to layer, and the results may differ by both error budgets.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "duel/call.h"
#include "duel/score.h"
#include "ops/library.h"
#include "ops/step.h"

namespace gabor {

// One output of one call.
struct ShadowCheck {
  std::string label;    // layer and output: "conv2 dw"
  double fraction = 0;  // largest error as a fraction of its budget
  std::string fault;    // "" when within it; else as Score::fault
};

// A call whose result is over its budget, with all that it takes to repeat it.
struct ShadowBreach {
  std::string layer, backend, math, kernel, shadow;  // kernel: of the backend's, "" where it has no name
  AnyProblem problem;
  Pass pass = Pass::fprop;
  std::string fault;
  CallTensors call;
  std::vector<HostTensor> got, want;  // the backend's outputs and the shadow's
};

// What all checks so far come to.
struct ShadowSummary {
  std::string backend;                  // the second one
  int64_t steps = 0;                    // that were checked
  std::map<std::string, double> worst;  // fraction of the budget by label
  std::set<std::string> unchecked;      // "drop dropout", with the reason where a backend gave one

  std::string text() const;  // "12 checks, worst conv2 dw 0.03 of its budget"
};

class Case;

class Shadow {
 public:
  // second: its first backend that is not main's and supports a call checks it. Both must outlive this.
  // Throws Error{usage} when both are the same backend: a result cannot be judged by itself.
  Shadow(const Library& main, const Library& second);
  ~Shadow();

  // main's backends, under their names, with every call seen. Plans for shadow training are made with it.
  const Library& library() const { return *library_; }

  // From here to end_step calls are checked; between, nothing is done beyond passing calls on.
  void begin_step();
  // After each forward and backward of a step of the plan: names the calls that it made. May be called between, too.
  void step_ran(const Step& step, bool backward);
  // The checks since begin_step, in the order of the calls.
  std::vector<ShadowCheck> end_step();

  const ShadowSummary& summary() const { return summary_; }
  // The first one of all; null: none.
  const ShadowBreach* breach() const { return breach_.get(); }

 private:
  struct Judged {
    const char* op;
    std::vector<ShadowCheck> outputs;  // labelled by the output alone
    std::string unsupported;           // why it was not checked; "": it was
  };
  void judge(const Backend& main, const AnyProblem& problem, Pass pass, CallTensors call,
             std::vector<HostTensor> got);
  const Backend* checker(const Backend& main, const Case& c, std::string& why_not) const;

  const Library& second_;
  std::unique_ptr<Library> library_;
  bool watching_ = false;
  std::vector<Judged> calls_;  // of the plan's step that runs
  std::vector<ShadowCheck> checks_;
  ShadowSummary summary_;
  std::unique_ptr<ShadowBreach> breach_;
};

}  // namespace gabor
