#include "tune/tune.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "ops/budget.h"
#include "ops/steps/weighted_step.h"
#include "tune/pass_timing.h"
#include "tune/precision_check.h"
#include "tune/tuning_file.h"

namespace gabor {
namespace {

using Clock = std::chrono::steady_clock;

// A pass with more than one candidate.
struct Item {
  TunedPass pass;
  std::vector<const Backend*> candidates;
  TuningRecord record;  // the question; once winner is set, the answer

  bool timed() const { return !candidates[0]->traits().emulated; }
  const Backend& winner() const {
    const auto at = std::find_if(candidates.begin(), candidates.end(),
                                 [&](const Backend* b) { return b->name() == record.winner; });
    return at == candidates.end() ? *candidates[0] : **at;
  }
};

bool is_exact(const Backend& b) { return b.traits().math == "fp32"; }

// The first, and fp32 of its own backend; none where the first is that.
std::vector<const Backend*> precisions_of(const std::vector<const Backend*>& candidates) {
  const std::string_view first = candidates[0]->name(), own = first.substr(0, first.find('/'));
  std::vector<const Backend*> out;
  for (const Backend* b : candidates)
    if (b == candidates[0] || (b->name() == own && is_exact(*b) && !is_exact(*candidates[0])))
      out.push_back(b);
  return out;
}

std::optional<TunedProblem> problem_of(const Step& step) {
  if (const auto* conv = dynamic_cast<const Conv2dStep*>(&step)) return conv->data();
  if (const auto* dense = dynamic_cast<const DenseStep*>(&step)) return dense->data();
  return {};
}

int64_t samples_of(const TunedProblem& problem) {
  return std::visit([](const auto& p) { return p.N; }, problem);
}

class Tuner {
 public:
  Tuner(std::span<const std::unique_ptr<Step>> steps, std::span<const ChoiceRecord> made,
        const Library& library, const TuneOptions& options)
      : options_(options), storage_(library.storage()) {
    for (const auto& step : steps)
      if (const auto problem = problem_of(*step); problem && (step->prefer.empty() || storage_ != DType::f32))
        for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
          const std::string where = step->layer + " " + name_of(pass);
          const auto choice =
              std::find_if(made.begin(), made.end(), [&](const ChoiceRecord& c) { return c.where == where; });
          if (choice != made.end()) add({where, *problem, pass}, library, choice->backend);
        }
  }

  Tuning run() && {
    if (!items_.empty()) answer();
    if (storage_ != DType::f32) {
      tuning_.storage = verdict();
      return std::move(tuning_);
    }
    for (const Item& item : items_)
      if (const std::string reason = margin(item.record); !reason.empty())
        tuning_.choices[item.pass.where] = {item.record.winner, reason};
    for (const Item& item : items_) check(item);
    return std::move(tuning_);
  }

 private:
  void add(TunedPass pass, const Library& library, const std::string& first) {
    auto candidates = candidates_for(pass, library, first);
    if (options_.precision_only && storage_ == DType::f32) candidates = precisions_of(candidates);
    if (candidates.size() < 2) return;
    TuningRecord question = question_of(pass, candidates, options_.place);
    items_.push_back({std::move(pass), std::move(candidates), std::move(question)});
  }

  void check(const Item& item) {
    const Backend& runs = item.winner();
    const auto exact = std::find_if(item.candidates.begin(), item.candidates.end(),
                                    [](const Backend* b) { return is_exact(*b); });
    if (operand_rounding(runs.traits().math) == 0 || exact == item.candidates.end()) return;
    if (const std::string fault = fault_in(item.pass, runs, **exact); !fault.empty())
      tuning_.choices[item.pass.where] = {std::string((*exact)->name()),
                                          fmt::format("because {} is wrong here: {}", runs.name(), fault)};
  }

  StorageVerdict verdict() const {
    StorageVerdict v;
    for (const Item& item : items_) {
      if (std::string fault = fault_in(item.pass, *item.candidates[0], *item.candidates[1]);
          !fault.empty() && v.fault.empty())
        v.fault = item.pass.where + ": " + fault;
      if (item.record.measured_N == 0) continue;
      const double whole = double(samples_of(item.pass.problem)) / double(item.record.measured_N);
      v.seconds += whole * item.record.candidates[0].median;
      v.exact_seconds += whole * item.record.candidates[1].median;
    }
    return v;
  }

  void answer() try {
    if (std::none_of(items_.begin(), items_.end(), [](const Item& item) { return item.timed(); })) return;
    if (options_.file.empty())
      fail(ErrorCode::checkpoint, "", "there is no folder to keep it in; name a file by --tuning");
    TuningFile file(options_.file);
    if (file.unreadable_lines())
      tuning_.notes.push_back(fmt::format("read: {} damaged line{} of {}", file.unreadable_lines(),
                                          file.unreadable_lines() == 1 ? "" : "s", file.path()));
    std::vector<Item*> unknown;
    for (Item& item : items_)
      if (!item.timed())
        continue;
      else if (const TuningRecord* kept = file.find(item.record))
        item.record = *kept;
      else
        unknown.push_back(&item);
    if (unknown.empty()) return;
    file.open_to_keep();
    measure_all(unknown, file);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::checkpoint) throw;
    tuning_.notes.push_back(fmt::format("measured, so the fixed order holds: {}", e.what()));
  }

  void measure_all(const std::vector<Item*>& unknown, TuningFile& file) {
    const auto begin = Clock::now();
    for (size_t i = 0; i < unknown.size(); i++) {
      Item& item = *unknown[i];
      options_.progress(i, unknown.size(), item.pass.where);
      if (const TuningRecord* kept = file.find(item.record)) {  // another layer has asked the same
        item.record = *kept;
        continue;
      }
      const double left = options_.seconds - std::chrono::duration<double>(Clock::now() - begin).count();
      TuningRecord measured = item.record;
      time_candidates(item.pass, item.candidates, left / double(unknown.size() - i), measured);
      item.record = file.keep(measured);
      tuning_.measured++;
    }
  }

  const TuneOptions& options_;
  DType storage_;
  std::vector<Item> items_;
  Tuning tuning_;
};

}  // namespace

Tuning tune(std::span<const std::unique_ptr<Step>> steps, std::span<const ChoiceRecord> made,
            const Library& library, const TuneOptions& options) {
  return Tuner(steps, made, library, options).run();
}

}  // namespace gabor
