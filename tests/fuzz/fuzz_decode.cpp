// libFuzzer: any bytes become a picture of the size that it says, or are refused as bad data. A PNG is tried
// as it is and with its checksums made right: else no change would ever get past them.
#include <cstdlib>

#include "core/error.h"
#include "data/decode.h"
#include "data/png_checksums.h"

namespace {

const gabor::DecodeLimits kLimits{.max_pixels = 1 << 16, .max_side = 4096, .max_file_bytes = 1 << 20};

void decode_or_refuse(const std::vector<uint8_t>& bytes, int channels) {
  try {
    const gabor::Image image = gabor::decode(bytes, "fuzz", channels, kLimits);
    const int64_t pixels = int64_t{image.height} * image.width;
    if (pixels < 1 || pixels > kLimits.max_pixels || image.channels != channels) std::abort();
    if (image.pixels.size() != size_t(pixels * channels)) std::abort();
  } catch (const gabor::Error& e) {
    if (e.code() != gabor::ErrorCode::data) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  decode_or_refuse(bytes, 3);
  decode_or_refuse(bytes, 1);
  std::vector<uint8_t> repaired = bytes;
  gabor::test::repair_png_checksums(repaired);
  if (repaired != bytes) decode_or_refuse(repaired, 3);
  return 0;
}
