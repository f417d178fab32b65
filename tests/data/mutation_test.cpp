// Ten thousand damaged files through the whole decode path: each gives a picture or an Error{data}, in
// bounded memory. What a wrong access would do, the asan ring sees. A program of its own, so that its peak
// memory is these files'.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "core/philox.h"
#include "data/decode.h"
#include "data/fixture.h"
#include "data/png_checksums.h"
#include "data/resize.h"

namespace gabor {
namespace {

using test::Bytes;

constexpr uint64_t kRounds = 10'000;
constexpr bool kSanitized = sizeof(GABOR_SANITIZE) > 1;
// Pictures of up to 3 MB and what their decoders hold; sanitizers keep freed memory for a while.
constexpr int64_t kMaxGrowth = (kSanitized ? 512ll : 48ll) << 20;
const DecodeLimits kLimits{.max_pixels = 1'000'000};

std::vector<Bytes> whole_files() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(GABOR_SOURCE_DIR "/tests/golden/pictures"))
    if (entry.path().extension() != ".txt") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> files;
  for (const std::string& path : paths) files.push_back(test::read_bytes(path));
  return files;
}

void flip_bits(Bytes& bytes, Random& random) {
  for (uint32_t n = 1 + random.below(16); n > 0; n--)
    bytes[random.below(uint32_t(bytes.size()))] ^= uint8_t(1u << random.below(8));
}

// Sizes and counts are 2 or 4 bytes: extremes there are what headers lie with.
void write_extremes(Bytes& bytes, Random& random) {
  constexpr uint8_t kValues[] = {0x00, 0xFF, 0x7F, 0x80};
  const size_t count = random.below(2) ? 4 : 2, at = random.below(uint32_t(bytes.size()));
  std::fill_n(bytes.begin() + std::ptrdiff_t(at), std::min(count, bytes.size() - at),
              kValues[random.below(4)]);
}

Bytes mutated(const std::vector<Bytes>& files, Random& random) {
  Bytes bytes = files[random.below(uint32_t(files.size()))];
  switch (random.below(4)) {
    case 0:
      bytes.resize(random.below(uint32_t(bytes.size())));
      break;
    case 1:
      flip_bits(bytes, random);
      break;
    case 2:
      write_extremes(bytes, random);
      break;
    case 3: {  // spliced: the beginning of one, the end of another
      const Bytes& other = files[random.below(uint32_t(files.size()))];
      bytes.resize(random.below(uint32_t(bytes.size())));
      bytes.insert(bytes.end(), other.begin() + random.below(uint32_t(other.size())), other.end());
    }
  }
  if (random.below(2)) test::repair_png_checksums(bytes);
  return bytes;
}

int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} << 10;
}

TEST(Mutations, EachDecodesOrIsRefusedInBoundedMemory) {
  const std::vector<Bytes> files = whole_files();
  ASSERT_EQ(files.size(), 22u);
  Image image;
  for (const Bytes& file : files) decode(file, "whole", 3, kLimits, image);  // loads what the decoders load
  const int64_t before = peak_bytes();
  int decoded = 0, refused = 0;
  std::vector<uint8_t> small(size_t(16 * 16 * 3));
  for (uint64_t round = 0; round < kRounds; round++) {
    Random random({.seed = round});
    const Bytes bytes = mutated(files, random);
    const int channels = random.below(2) ? 3 : 1;
    try {
      decode(bytes, "mutated", channels, kLimits, image);
      ASSERT_EQ(image.pixels.size(), size_t(image.height) * size_t(image.width) * size_t(channels)) << round;
      resize(image, 16, 16, Resize::antialias, small.data());
      decoded++;
    } catch (const Error& e) {
      ASSERT_EQ(e.code(), ErrorCode::data) << round << ": " << e.what();
      refused++;
    }
  }
  EXPECT_GT(decoded, 500);
  EXPECT_GT(refused, 5000);
  EXPECT_LT(peak_bytes() - before, kMaxGrowth);
}

}  // namespace
}  // namespace gabor
