// Files that a command writes on demand, e.g. --json FILE.
#pragma once
#include <string>

namespace gabor {

// Throws Error{usage}, where = option, if path cannot be written: a long command must not fail at its end
// because of that. "" (not asked for) and "-" (stdout) pass. Leaves no file behind.
void check_writable(const std::string& option, const std::string& path);

// The whole file or none of it (write_atomically). Throws Error{checkpoint}.
void write_text(const std::string& path, const std::string& text);

}  // namespace gabor
