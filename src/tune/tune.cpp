#include "tune/tune.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "ops/steps/weighted_step.h"
#include "tune/pass_timing.h"
#include "tune/tuning_file.h"

namespace gabor {
namespace {

using Clock = std::chrono::steady_clock;

// A pass with more than one candidate.
struct Item {
  TunedPass pass;
  std::vector<const Backend*> candidates;
  TuningRecord record;  // the question; once winner is set, the answer
};

std::optional<TunedProblem> problem_of(const Step& step) {
  if (const auto* conv = dynamic_cast<const Conv2dStep*>(&step)) return conv->data();
  if (const auto* dense = dynamic_cast<const DenseStep*>(&step)) return dense->data();
  return {};
}

class Tuner {
 public:
  Tuner(std::span<const std::unique_ptr<Step>> steps, std::span<const ChoiceRecord> made,
        const Library& library, const TuneOptions& options)
      : options_(options) {
    for (const auto& step : steps)
      if (const auto problem = problem_of(*step); problem && step->prefer.empty())
        for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
          const std::string where = step->layer + " " + name_of(pass);
          const auto choice =
              std::find_if(made.begin(), made.end(), [&](const ChoiceRecord& c) { return c.where == where; });
          if (choice != made.end()) add({where, *problem, pass}, library, choice->backend);
        }
  }

  Tuning run() && {
    if (!items_.empty()) answer();
    for (const Item& item : items_)
      if (const std::string reason = margin(item.record); !reason.empty())
        tuning_.choices[item.pass.where] = {item.record.winner, reason};
    return std::move(tuning_);
  }

 private:
  void add(TunedPass pass, const Library& library, const std::string& first) {
    auto candidates = candidates_for(pass, library, first);
    if (candidates.size() < 2) return;
    TuningRecord question = question_of(pass, candidates, options_.place);
    items_.push_back({std::move(pass), std::move(candidates), std::move(question)});
  }

  void answer() try {
    if (options_.file.empty())
      fail(ErrorCode::checkpoint, "", "there is no folder to keep it in; name a file by --tuning");
    TuningFile file(options_.file);
    if (file.unreadable_lines())
      tuning_.notes.push_back(fmt::format("read: {} damaged line{} of {}", file.unreadable_lines(),
                                          file.unreadable_lines() == 1 ? "" : "s", file.path()));
    std::vector<Item*> unknown;
    for (Item& item : items_)
      if (const TuningRecord* kept = file.find(item.record))
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
  std::vector<Item> items_;
  Tuning tuning_;
};

}  // namespace

Tuning tune(std::span<const std::unique_ptr<Step>> steps, std::span<const ChoiceRecord> made,
            const Library& library, const TuneOptions& options) {
  return Tuner(steps, made, library, options).run();
}

}  // namespace gabor
