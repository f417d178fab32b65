// What each operation of --augment costs: microseconds of one core a picture, the median over 200 samples.
//   augment-bench HEIGHT WIDTH
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "core/philox.h"
#include "data/augment/augment.h"

namespace gabor {
namespace {

constexpr uint32_t kSamples = 200;

double median_microseconds(const AugmentSpec& spec, const Image& picture) {
  std::vector<double> times;
  Image image = picture, scratch;
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    image.pixels = picture.pixels;
    const auto begin = std::chrono::steady_clock::now();
    augment(spec, {1, 0, sample}, {image.pixels.data(), image.height, image.width, image.channels}, scratch);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + kSamples / 2, times.end());
  return times[kSamples / 2];
}

int run(char** argv) {
  Image picture;
  picture.reshape(std::atoi(argv[1]), std::atoi(argv[2]), 3);
  Random random({.seed = 1});
  for (uint8_t& v : picture.pixels) v = uint8_t(random.below(256));
  const AugmentSpec all{.crop = {.least = 0.35, .most = 1},
                        .translate = 4,
                        .flip = true,
                        .rand = {.ops = 2, .magnitude = 9},
                        .color = 0.2,
                        .erase = 0.25};
  const std::vector<std::pair<std::string, AugmentSpec>> rows = {{"crop", {.crop = all.crop}},
                                                                 {"translate", {.translate = 4}},
                                                                 {"flip", {.flip = true}},
                                                                 {"rand:2x9", {.rand = all.rand}},
                                                                 {"color", {.color = 0.2}},
                                                                 {"erase:1", {.erase = 1}},
                                                                 {"all", all}};
  fmt::print("{}x{}x3, one thread, us a picture\n", picture.height, picture.width);
  for (const auto& [name, spec] : rows)
    fmt::print("{:<10} {:>8.1f}\n", name, median_microseconds(spec, picture));
  return 0;
}

}  // namespace
}  // namespace gabor

int main(int argc, char** argv) {
  if (argc == 3) return gabor::run(argv);
  fmt::print(stderr, "usage: augment-bench HEIGHT WIDTH\n");
  return 2;
}
