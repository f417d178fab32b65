#include "core/error.h"

namespace gabor {

void throw_error(ErrorCode code, std::string where, const std::string& message) {
  throw Error(code, std::move(where), message);
}

void check_failed(const char* condition, const char* file, int line) {
  fail(ErrorCode::internal, fmt::format("{}:{}", file, line),
       "internal check failed: {}; this is a bug of gabor, please report it", condition);
}

}  // namespace gabor
