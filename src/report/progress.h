#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include "train/records.h"

namespace gabor {

struct ProgressStyle {
  bool terminal = false;                     // rewrite one line in place; else a plain line every `interval`
  bool color = false;                        // best epochs in bold (callers heed NO_COLOR)
  int columns = 80;                          // of the terminal: a longer line is cut, so that it never wraps
  std::chrono::milliseconds interval{5000};  // between plain lines
};

// "decoding 3.1 ms, resizing 0.42 ms a picture"; "" where nothing was decoded.
std::string picture_time_text(const PictureTime& t);
// The text of a step: epoch, step, images/s, data wait, time of a picture, loss, accuracy, rate, time left.
std::string progress_text(const StepRecord& s);
// The text of a finished epoch.
std::string epoch_text(const EpochRecord& e);

// Writes progress to a stream (the caller's stderr) that must outlive it.
class ProgressLine : public Observer {
 public:
  ProgressLine(std::FILE* stream, ProgressStyle style) : stream_(stream), style_(style) {}
  ~ProgressLine() override { clear(); }
  void on_step(const StepRecord& s) override;
  void on_epoch(const EpochRecord& e) override;
  void on_warning(const std::string& text) override;

 private:
  void clear();
  void line(const std::string& text);
  std::FILE* stream_;
  ProgressStyle style_;
  bool shown_ = false;  // the terminal's last line is ours
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace gabor
