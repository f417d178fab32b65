#include "cli/status_line.h"

#include "core/text.h"

namespace gabor {
namespace {
constexpr std::chrono::seconds kInterval{5};
}

StatusLine::~StatusLine() {
  if (shown_) std::fputs("\r\x1b[K", stream_);
}

void StatusLine::show(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ && now - last_ < kInterval) return;
  last_ = now;
  const std::string line = printable(text);
  std::fputs((terminal_ ? "\r\x1b[K" + line : line + "\n").c_str(), stream_);
  std::fflush(stream_);
  shown_ = terminal_;
}

}  // namespace gabor
