// libFuzzer: the header of any bytes is read, or refused as bad data, and nothing beyond the bytes is
// touched.
#include <cstdlib>

#include "core/error.h"
#include "data/image_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  try {
    const gabor::ImageHeader header = gabor::read_image_header(bytes, "fuzz");
    if (header.orientation < 1 || header.orientation > 8) std::abort();
    gabor::check_container(bytes, header, "fuzz");
  } catch (const gabor::Error& e) {
    if (e.code() != gabor::ErrorCode::data) std::abort();
  }
  return 0;
}
