#include "data/path_label.h"

#include <algorithm>

#include "core/text.h"

namespace gabor {
namespace {

// Of ASCII only: other bytes are parts of UTF-8 letters, and stay as they are.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c & 0x80); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return out;
}

bool has_word(const std::string& part, const std::string& word) {
  for (size_t at = part.find(word); at != std::string::npos; at = part.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_letter(part[at - 1])) && (end == part.size() || !is_letter(part[end]))) return true;
  }
  return false;
}

bool has_letter(const std::string& text) { return std::any_of(text.begin(), text.end(), is_letter); }

}  // namespace

int class_named_by(std::string_view path, const std::vector<std::string>& classes) {
  const std::vector<std::string> parts = split(lower(path), '/');
  for (size_t p = parts.size(); p-- > 0;) {
    int named = -1, count = 0;
    for (size_t c = 0; c < classes.size(); c++) {
      const std::string name = lower(classes[c]);
      // digits alone ("7") are a running number in a file's name as often as a class
      if (parts[p] == name || (has_letter(name) && has_word(parts[p], name))) named = int(c), count++;
    }
    if (count > 0) return count == 1 ? named : -1;
  }
  return -1;
}

}  // namespace gabor
