// What each operation of --augment costs: microseconds of one core a picture, the mean over 200 samples, each the fastest
// of 5 (the machine may be busy).
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
#include "data/augment/mix.h"

namespace gabor {
namespace {

constexpr uint32_t kSamples = 200;
constexpr int kRepeats = 5;

double microseconds(const AugmentSpec& spec, const Image& picture) {
  using Clock = std::chrono::steady_clock;
  Image image = picture, scratch;
  const PixelView view{image.pixels.data(), image.height, image.width, image.channels};
  double total = 0;
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    double fastest = 1e30;
    for (int repeat = 0; repeat < kRepeats; repeat++) {
      std::copy(picture.pixels.begin(), picture.pixels.end(), image.pixels.begin());
      MixedLabel label{0, 0};
      const auto begin = Clock::now();
      augment(spec, {1, 0, sample}, view, scratch);
      if (spec.mixes()) mix(spec, {1, 0, sample}, view, label, picture.pixels.data(), 0);
      fastest = std::min(fastest, std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    total += fastest;
  }
  return total / kSamples;
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
                        .erase = 0.25,
                        .mixup = 0.2,
                        .cutmix = 1};
  const std::vector<std::pair<std::string, AugmentSpec>> rows = {
      {"crop", {.crop = all.crop}},     {"translate", {.translate = 4}}, {"flip", {.flip = true}},
      {"rand:2x9", {.rand = all.rand}}, {"color", {.color = 0.2}},       {"erase", {.erase = 0.25}},
      {"mixup", {.mixup = 0.2}},        {"cutmix", {.cutmix = 1}},       {"all", all}};
  fmt::print("{}x{}x3, one thread, us a picture\n", picture.height, picture.width);
  for (const auto& [name, spec] : rows) fmt::print("{:<10} {:>8.1f}\n", name, microseconds(spec, picture));
  return 0;
}

}  // namespace
}  // namespace gabor

int main(int argc, char** argv) {
  if (argc == 3) return gabor::run(argv);
  fmt::print(stderr, "usage: augment-bench HEIGHT WIDTH\n");
  return 2;
}
