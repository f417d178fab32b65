#include "cli/tiny_data.h"

#include <algorithm>

#include "cli/run_command.h"
#include "core/philox.h"

namespace gabor::testing {
namespace {

constexpr int kColours[][3] = {{200, 60, 60},  {60, 60, 200},  {60, 190, 60},
                               {190, 190, 50}, {60, 190, 190}, {180, 60, 180}};

std::string little_endian(uint32_t v, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; i++) out += char(v >> (8 * i));
  return out;
}

std::string big_endian(uint32_t v) {
  std::string out = little_endian(v, 4);
  std::reverse(out.begin(), out.end());
  return out;
}

void write_idx(const std::string& folder, const std::string& part, uint32_t count) {
  constexpr int kSide = 8;
  std::string pixels = big_endian(0x803) + big_endian(count) + big_endian(kSide) + big_endian(kSide);
  std::string labels = big_endian(0x801) + big_endian(count);
  Random random({7, Purpose::test, count});
  for (uint32_t i = 0; i < count; i++) {
    for (int p = 0; p < kSide * kSide; p++) {
      const bool bright = (p % kSide >= kSide / 2) == (i % 2 == 1);
      pixels += char((bright ? 150 : 20) + int(random.below(80)));
    }
    labels += char(i % 2);
  }
  write_text(folder + "/" + part + "-images-idx3-ubyte", pixels);
  write_text(folder + "/" + part + "-labels-idx1-ubyte", labels);
}

}  // namespace

std::string noisy_bmp(int width, int height, int red, int green, int blue, uint64_t seed) {
  const int row = (width * 3 + 3) / 4 * 4;
  const uint32_t size = uint32_t(54 + row * height);
  std::string out = "BM" + little_endian(size, 4) + little_endian(0, 4) + little_endian(54, 4);
  out += little_endian(40, 4) + little_endian(uint32_t(width), 4) + little_endian(uint32_t(height), 4);
  out += little_endian(1, 2) + little_endian(24, 2) + std::string(24, '\0');
  Random random({seed, Purpose::test, 1});
  for (int y = 0; y < height; y++) {
    std::string line;
    for (int x = 0; x < width; x++)
      for (int v : {blue, green, red}) line += char(std::clamp(v + int(random.below(81)) - 40, 0, 255));
    line.resize(size_t(row));
    out += line;
  }
  return out;
}

void write_class_folders(const std::string& folder, const std::vector<std::string>& classes,
                         int pictures_each, int side) {
  for (size_t k = 0; k < classes.size(); k++)
    for (int i = 0; i < pictures_each; i++) {
      const auto& c = kColours[k % std::size(kColours)];
      write_text(
          folder + "/" + classes[k] + "/" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".bmp",
          noisy_bmp(side, side + i % 3, c[0], c[1], c[2], k * 1000 + uint64_t(i)));
    }
}

void write_idx_folder(const std::string& folder) {
  write_idx(folder, "train", 40);
  write_idx(folder, "t10k", 10);
}

}  // namespace gabor::testing
