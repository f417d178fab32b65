// tune: measures which backend, or variant of one, runs each pass of a net's layers fastest here, and keeps the answers.
//   tuning_record.h  one answer, with all that it holds for
//   tuning_file.h    where answers are kept
//   pass_timing.h    the measurement
//   precision_check.h  whether a lower precision is right here
//   tune.h           all passes of a net
// It prints nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gabor {

// Where a measurement was made, and by which program: it holds nowhere else.
struct TuningPlace {
  std::string gabor;   // version and compiler
  std::string device;  // model of the CPU or GPU
  int threads = 0;
  friend bool operator==(const TuningPlace&, const TuningPlace&) = default;
};

struct TunedCandidate {
  std::string backend, kernel;           // "cpu/onednn", Conv2d::kernel
  double median = 0, low = 0, high = 0;  // seconds, with the 95 % interval of the median
};

struct TuningRecord {
  TuningPlace place;
  std::string op, problem, pass;  // "conv2d", string form, "wgrad"
  std::string math, layout;       // Traits of the first candidate (pass_timing.h)
  int64_t measured_N =
      0;  // samples in the batch that was timed, at most the problem's; 0: the time was up before
  std::vector<TunedCandidate>
      candidates;      // in the order of choice: the first is the one that needs no measurement
  std::string winner;  // backend of one of them
};

// Whether one's answer is the other's too: all but what was measured.
bool same_question(const TuningRecord& a, const TuningRecord& b);

// "1.58x faster than cpu (direct)"; "" when the first candidate won.
std::string margin(const TuningRecord& record);

std::string to_json(const TuningRecord& record);                  // one line, without its end
std::optional<TuningRecord> parse_record(std::string_view line);  // none: damaged, or something else

}  // namespace gabor
