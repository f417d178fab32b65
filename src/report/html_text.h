#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace gabor {

// Any bytes as HTML text or attribute value: & < > " ' become entities, control bytes and bytes that are not
// UTF-8 become \xNN, so that file and class names can neither break the page nor hide.
std::string html_escape(std::string_view bytes);

// The text, or its first characters and "..." when it is longer than `most` bytes; never cuts within a
// character.
std::string shorten(std::string_view text, size_t most);

}  // namespace gabor
