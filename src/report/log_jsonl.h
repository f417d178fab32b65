#pragma once
#include <memory>
#include <string>

#include "duel/shadow.h"
#include "report/row_file.h"
#include "train/evaluator.h"
#include "train/records.h"

namespace gabor {

// Writes folder/log.jsonl: one JSON object a line, each with "event" (start, resume, epoch, shadow,
// breach, warning, test, end) and "time" (seconds since 1970). Appended to on resume: the log tells what happened, also what was run
// twice. The file is made when the run starts; warnings from before are kept until then.
class LogJsonl : public Observer {
 public:
  explicit LogJsonl(const std::string& folder) : path_(folder + "/log.jsonl") {}
  void on_start(const RunInfo& run) override;
  void on_epoch(const EpochRecord& e) override;
  void on_warning(const std::string& text) override;
  // drift: largest error of each output as a fraction of its budget, by layer and output; null: no number.
  void shadow(int64_t step, const std::string& backend, const std::vector<ShadowCheck>& checks);
  void breach(int64_t step, const std::string& text, const std::string& file);
  void test_result(const EvalResult& r);
  void end(bool stopped, int best_epoch, double best_val_acc);

 private:
  void append(const std::string& line);
  std::string path_, pending_;
  std::unique_ptr<RowFile> file_;
};

}  // namespace gabor
