// Damaged PNG files whose checksums are right, so that the damage reaches the decoder.
#pragma once
#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace gabor::test {

// Rewrites the CRC-32 of every chunk that is whole; nothing when it is no PNG.
inline void repair_png_checksums(std::vector<uint8_t>& bytes) {
  const auto big32 = [&](size_t at) {
    return uint32_t(bytes[at]) << 24 | uint32_t(bytes[at + 1]) << 16 | uint32_t(bytes[at + 2]) << 8 |
           bytes[at + 3];
  };
  if (bytes.size() < 8 || std::memcmp(bytes.data(), "\x89PNG", 4) != 0) return;
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = big32(at);
    if (length > bytes.size() - at - 12) return;
    const auto crc = uint32_t(crc32(0, &bytes[at + 4], uInt(length + 4)));
    for (size_t k = 0; k < 4; k++) bytes[at + 8 + length + k] = uint8_t(crc >> (24 - 8 * k));
    at += 12 + length;
  }
}

}  // namespace gabor::test
