#include "core/log.h"

namespace gabor {

void Log::info(const std::string& line) const {
  if (sink_) sink_(LogLevel::info, line);
}

void Log::warning(const std::string& line) const {
  if (sink_) sink_(LogLevel::warning, line);
}

}  // namespace gabor
