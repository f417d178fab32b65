#include "cli/tuned_library.h"

#include <map>
#include <nlohmann/json.hpp>

#include "cli/machine.h"
#include "cli/status_line.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/cache_folder.h"
#include "tune/tune.h"

namespace gabor {
namespace {

using Json = nlohmann::json;
constexpr const char* kOfTheRun = "as when the run began";

TuningPlace place_of(const Device& device) {
  return {fmt::format("{}, GCC {}", GABOR_VERSION, __VERSION__),
          device.kind() == DeviceKind::host ? cpu_name() : device.name(), max_threads()};
}

void tell_measured(size_t passes, const std::string& file, const std::string& busy) {
  fmt::print(stderr, "gabor: measured the kernels of {} pass{}; kept in {}\n", passes,
             passes == 1 ? "" : "es", printable(file));
  if (!busy.empty())
    fmt::print(stderr,
               "gabor: the machine was busy ({}): to measure again when it is not, delete that file first\n",
               busy);
}

// fp32 in place of a precision that is wrong here.
std::shared_ptr<const Library> refused(const Library& library, TrainSettings& s, const std::string& fault) {
  const std::string note =
      fmt::format("in {}, which is wrong on {}: {}", s.precision, library.device().name(), fault);
  fmt::print(stderr, "gabor: warning: this run trains in fp32, not {}\n", printable(note));
  s.precision = "fp32";
  s.origin["precision"] = "measured";
  if (s.origin["micro-batch"] == "vram") s.train.micro_batch = 0;  // to be chosen again
  return std::make_shared<Library>(library.in_precision("fp32").tuned({}, {note}));
}

void tell_speed(const std::string& precision, const StorageVerdict& verdict) {
  if (verdict.seconds == 0) return;
  const double times = verdict.exact_seconds / verdict.seconds;
  fmt::print(stderr, "gabor: {}{}: {:.2f} times as fast as fp32 by the passes' times{}\n",
             times < 1 ? "warning: " : "", precision, times,
             times < 1 ? "; without --precision it would be faster, and take more memory" : "");
}

}  // namespace

std::string default_tuning_file() {
  const std::string folder = default_cache_folder();
  return folder.empty() ? "" : folder + "/tuning.jsonl";
}

std::shared_ptr<const Library> tuned_library(const std::shared_ptr<const Library>& library, const Plan& plan,
                                             TrainSettings& s, bool resumed, bool terminal) {
  if (s.backend != "auto" && s.precision == "fp32") return library;
  if (resumed) return std::make_shared<Library>(library->tuned(s.choices, {}));
  TuneOptions options;
  options.precision_only = s.backend != "auto";
  options.file = s.tuning.empty() ? default_tuning_file() : s.tuning;
  options.place = place_of(library->device());
  const std::string busy = busy_text(load_average());
  const Tuning tuning = [&] {
    StatusLine progress(stderr, terminal);
    options.progress = [&](size_t done, size_t all, const std::string& where) {
      progress.show(fmt::format("measuring kernels: {} of {} ({})", done + 1, all, where));
    };
    return tune(plan.steps, plan.choices, *library, options);
  }();
  if (tuning.measured > 0) tell_measured(tuning.measured, options.file, busy);
  if (const auto& verdict = tuning.storage) {
    if (!verdict->fault.empty()) return refused(*library, s, verdict->fault);
    tell_speed(s.precision, *verdict);
  }
  s.choices = tuning.choices;
  if (!s.choices.empty()) s.origin["choices"] = "measured";
  return std::make_shared<Library>(library->tuned(tuning.choices, tuning.notes));
}

std::string choices_text(const TunedChoices& choices) {
  if (choices.empty()) return "";
  Json j;
  for (const auto& [where, choice] : choices) j[where] = choice.backend;
  return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TunedChoices parse_choices(const std::string& option, const std::string& text) {
  TunedChoices choices;
  if (text.empty()) return choices;
  try {
    for (const auto& [where, backend] : Json::parse(text).get<std::map<std::string, std::string>>())
      choices[where] = {backend, kOfTheRun};
  } catch (const Json::exception&) {
    fail(ErrorCode::usage, option, "'{}' is not valid; expected {{\"conv1 wgrad\":\"cpu/onednn\"}}",
         printable(text));
  }
  return choices;
}

}  // namespace gabor
