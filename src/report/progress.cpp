#include "report/progress.h"

#include <fmt/format.h>

#include <cmath>

#include "core/text.h"

namespace gabor {
namespace {
constexpr std::chrono::milliseconds kRedraw{100};  // a terminal is rewritten at most ten times a second

std::string pace_text(double images_per_s, double data_wait_pct, const PictureTime& t) {
  const std::string picture = picture_time_text(t);
  return fmt::format("{:.0f} images/s, {:.0f} % waiting for data{}", images_per_s, data_wait_pct,
                     picture.empty() ? "" : " (" + picture + ")");
}

}  // namespace

std::string picture_time_text(const PictureTime& t) {
  if (std::isnan(t.decode_ms)) return "";
  return fmt::format("decoding {:.2g} ms, resizing {:.2g} ms a picture", t.decode_ms, t.resize_ms);
}

std::string progress_text(const StepRecord& s) {
  const std::string left = s.seconds_left > 0 ? "  " + human_seconds(s.seconds_left) + " left" : "";
  const std::string where = fmt::format("epoch {}/{}  {} {}/{}", s.epoch, s.epochs,
                                        s.validating ? "validating" : "step", s.step, s.steps);
  // The numbers of a step are of training: while validating they would stand still.
  if (s.validating) return where + left;
  // What a narrow terminal may cut off comes last.
  return fmt::format("{}  loss {:.4f}  acc {:.4f}{}  {}  lr {:.3g}", where, s.loss, s.accuracy, left,
                     pace_text(s.images_per_s, s.data_wait_pct, s.picture), s.lr);
}

std::string epoch_text(const EpochRecord& e) {
  const std::string val =
      std::isnan(e.val_loss) ? "" : fmt::format("  val loss {:.4f}  val acc {:.4f}", e.val_loss, e.val_acc);
  const std::string skipped = e.skipped ? fmt::format("  {} step{} skipped (loss scale {:.0f})", e.skipped,
                                                      e.skipped == 1 ? "" : "s", e.loss_scale)
                                        : "";
  return fmt::format(
      "epoch {}/{}  loss {:.4f}  acc {:.4f}{}  {}  {}{}{}{}", e.epoch, e.epochs, e.train_loss, e.train_acc,
      val, human_seconds(e.seconds), pace_text(e.images_per_s, e.data_wait_pct, e.picture),
      e.bad_files ? fmt::format("  {} bad files", e.bad_files) : "", skipped, e.best ? "  best" : "");
}

void ProgressLine::clear() {
  if (shown_) std::fputs("\r\x1b[K", stream_);
  shown_ = false;
}

void ProgressLine::line(const std::string& text) {
  clear();
  std::fputs((text + "\n").c_str(), stream_);
  std::fflush(stream_);
}

void ProgressLine::on_step(const StepRecord& s) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < (style_.terminal ? kRedraw : style_.interval)) return;
  last_ = now;
  if (!style_.terminal) return line(progress_text(s));
  clear();
  std::string text = progress_text(s);
  if (style_.columns > 1 && text.size() >= size_t(style_.columns)) text.resize(size_t(style_.columns) - 1);
  std::fputs(text.c_str(), stream_);
  std::fflush(stream_);
  shown_ = true;
}

void ProgressLine::on_epoch(const EpochRecord& e) {
  last_ = std::chrono::steady_clock::now();
  line(style_.color && e.best ? "\x1b[1m" + epoch_text(e) + "\x1b[0m" : epoch_text(e));
}

void ProgressLine::on_warning(const std::string& text) { line("gabor: warning: " + printable(text)); }

}  // namespace gabor
