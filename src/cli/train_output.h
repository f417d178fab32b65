#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/train_settings.h"
#include "duel/shadow.h"
#include "model/plan.h"

namespace gabor {

// What a run was, for the words and the numbers at its end.
struct TrainOutcome {
  std::string program;              // as the user calls it
  std::string folder;               // "" for a dry run
  std::vector<EpochRecord> epochs;  // of the whole run
  TrainResult result;
  std::optional<EvalResult> test;  // the best checkpoint on the test part
  const DataSplits* data = nullptr;
  const Plan* plan = nullptr;
  const TrainSettings* settings = nullptr;
  std::optional<ShadowSummary> shadow{};
};

// Before the first step: data, model, input, cache, pictures (choose_resident), backends, run folder.
std::string train_header(const DataSplits& data, const TrainSettings& s, const Plan& plan,
                         const Library& library, const std::string& input_reason, const std::string& cache,
                         const std::string& pictures, const std::string& folder);

// Afterwards: the table of epochs, the best one, where everything is, and the commands to go on with.
std::string train_footer(const TrainOutcome& o);
nlohmann::ordered_json train_json(const TrainOutcome& o);

}  // namespace gabor
