// core: what everything else stands on. Plain C++, no other folder of gabor is included from here.
// error.h: throwing gabor::Error with a formatted message.
#pragma once
#include <fmt/format.h>

#include <string>
#include <utility>

#include "gabor/error.h"

namespace gabor {

[[noreturn]] void throw_error(ErrorCode code, std::string where, const std::string& message);

// fail(ErrorCode::data, path, "is empty; expected a folder of class folders")
template <class... Args>
[[noreturn]] void fail(ErrorCode code, std::string where, fmt::format_string<Args...> format,
                       Args&&... args) {
  throw_error(code, std::move(where), fmt::format(format, std::forward<Args>(args)...));
}

// For what only a bug in gabor can break: throws (never aborts), naming the condition.
#define GABOR_CHECK(condition)                                               \
  do {                                                                       \
    if (!(condition)) ::gabor::check_failed(#condition, __FILE__, __LINE__); \
  } while (0)
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace gabor
