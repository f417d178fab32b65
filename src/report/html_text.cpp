#include "report/html_text.h"

#include <fmt/format.h>

#include <cstdint>

namespace gabor {
namespace {

// Bytes of the UTF-8 character that starts here; 0 if none does (RFC 3629: no overlong forms, no surrogates).
size_t utf8_length(std::string_view s) {
  const auto byte = [&](size_t i) { return i < s.size() ? uint8_t(s[i]) : uint8_t{0}; };
  const auto tail = [&](size_t n) {
    for (size_t i = 1; i <= n; i++)
      if ((byte(i) & 0xC0) != 0x80) return false;
    return true;
  };
  const uint8_t b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return tail(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF)
    return tail(2) && !(b == 0xE0 && byte(1) < 0xA0) && !(b == 0xED && byte(1) > 0x9F) ? 3 : 0;
  if (b >= 0xF0 && b <= 0xF4)
    return tail(3) && !(b == 0xF0 && byte(1) < 0x90) && !(b == 0xF4 && byte(1) > 0x8F) ? 4 : 0;
  return 0;
}

}  // namespace

std::string html_escape(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const size_t n = utf8_length(s);
    const unsigned char c = static_cast<unsigned char>(s[0]);
    if (n == 0 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t'))
      out += fmt::format("\\x{:02x}", c);
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += s.substr(0, n);
    s.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

std::string shorten(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (uint8_t(text[end]) & 0xC0) == 0x80) end--;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace gabor
