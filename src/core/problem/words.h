// The words of a problem's string form: "key=value", or a word alone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

// Splits a line into its words and hands each to set(key, value); a word without '=' is a key with no value. Throws
// Error{usage} for a word that set does not know (it returns false).
template <class Set>
void parse_words(std::string_view line, Set&& set) {
  for (const auto& word : split(line, ' ')) {
    if (word.empty()) continue;
    const size_t eq = word.find('=');
    const std::string key = word.substr(0, eq);
    const std::string value = eq == std::string::npos ? "" : word.substr(eq + 1);
    if (!set(key, value)) fail(ErrorCode::usage, "problem", "unknown word '{}' in '{}'", word, line);
  }
}

// The value of a word as one number. Throws Error{usage} when it is none.
int64_t whole_number(const std::string& key, const std::string& value);
float real_number(const std::string& key, const std::string& value);

}  // namespace gabor
