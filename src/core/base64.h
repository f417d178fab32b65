// Bytes as text (RFC 4648, section 4), for files within JSON.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gabor {

std::string to_base64(std::span<const uint8_t> bytes);
// nullopt: the text is not what to_base64 writes.
std::optional<std::vector<uint8_t>> from_base64(std::string_view text);

}  // namespace gabor
