// The library does not print: it hands lines to whoever asked for them.
#pragma once
#include <functional>
#include <string>

namespace gabor {

enum class LogLevel { info, warning };
using LogSink = std::function<void(LogLevel, const std::string&)>;

// A sink that may be empty; copied into whoever logs. There is no global one.
class Log {
 public:
  Log() = default;
  explicit Log(LogSink sink) : sink_(std::move(sink)) {}
  void info(const std::string& line) const;
  void warning(const std::string& line) const;

 private:
  LogSink sink_;
};

}  // namespace gabor
