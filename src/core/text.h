// Text helpers shared by parsers and messages.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gabor {

// Number of single-character edits (insert, delete, replace, swap of neighbours) from a to b.
int edit_distance(std::string_view a, std::string_view b);

// The entry of known nearest to word, or "" when none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// "; did you mean 'stride'?" or, when nothing is near, "; known: a, b, c".
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);

// Control bytes as \xNN, so that a hostile file name cannot drive the terminal.
std::string printable(std::string_view text);

std::string human_bytes(double bytes);      // "1.5 GiB"
std::string human_seconds(double seconds);  // "1 h 02 min", "12 min 03 s", "4.2 s"
std::string with_commas(int64_t value);     // "438,842"

}  // namespace gabor
