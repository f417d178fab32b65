#pragma once
#include <optional>
#include <string>
#include <vector>

#include "duel/shadow.h"
#include "train/evaluator.h"
#include "train/records.h"

namespace gabor {

// A picture that was taken for another class, with all that the report shows of it.
struct NamedMistake {
  std::string file;
  int label = 0, predicted = 0;
  float probability = 0;
};

// What was measured on one part of the data.
struct ReportedResult {
  std::string part;  // "validation, last epoch"
  EvalResult result;
  std::vector<NamedMistake> mistakes;  // most confident first
};

struct HtmlReport {
  std::string title;  // "article on cats-dogs"
  std::string state;  // "finished after 5 epochs", "stopped in epoch 3"
  const Plan* plan = nullptr;
  RunInfo run;
  std::vector<EpochRecord> epochs;      // of the whole run, resumed parts included
  std::vector<ReportedResult> results;  // validation, test
  ConstTensorView filters;              // first convolution, host f32 K,R,S,C; empty: none to show
  std::optional<ShadowSummary> shadow;
  std::vector<std::string> warnings;
  std::string command;                                        // that repeats the run
  std::string config;                                         // config.toml's text
  std::vector<std::pair<std::string, std::string>> versions;  // what, which
};

// The run as one self-contained page: inline SVG and CSS, no script, nothing loaded from elsewhere. All names
// are escaped.
std::string html_report(const HtmlReport& r);

}  // namespace gabor
