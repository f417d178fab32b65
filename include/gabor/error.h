// The one error type of gabor. The library throws it and nothing else; it never prints, exits or aborts.
#pragma once
#include <stdexcept>
#include <string>

namespace gabor {

// What went wrong, by who can mend it. The command line turns a code into its exit status.
enum class ErrorCode {
  internal = 1,    // a bug of gabor
  usage = 2,       // wrong option, model file or argument
  data = 3,        // a data set or image that cannot be trained on
  memory = 4,      // out of memory, or a plan that does not fit
  numeric = 5,     // NaN or Inf where there must be none
  checkpoint = 6,  // a checkpoint that is damaged, foreign or cannot be written
  device = 7,      // backend or device missing or failing
  stopped = 130,   // stopped by the user, after saving
};

class Error : public std::runtime_error {
 public:
  // message: one line, "what is wrong; what to do". where: the tensor, file, option or layer it is about (""
  // = none).
  Error(ErrorCode code, std::string where, const std::string& message)
      : std::runtime_error(where.empty() ? message : where + ": " + message),
        code_(code),
        where_(std::move(where)) {}
  ErrorCode code() const { return code_; }
  const std::string& where() const { return where_; }

 private:
  ErrorCode code_;
  std::string where_;
};

}  // namespace gabor
