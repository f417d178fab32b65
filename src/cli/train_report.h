#pragma once
#include <string>
#include <vector>

#include "cli/train_output.h"
#include "train/records.h"

namespace gabor {

// Keeps what the report needs of a run while it goes.
class RunRecorder : public Observer {
 public:
  void on_start(const RunInfo& run) override { info = run; }
  void on_warning(const std::string& text) override { warnings.push_back(text); }
  RunInfo info;
  std::vector<std::string> warnings;
};

// Writes folder/report.html. parameters: as they are after the last step.
void write_report(const TrainOutcome& o, const RunRecorder& recorder, const Parameters& parameters);

}  // namespace gabor
