#include "layers/initializer.h"

#include <cmath>

namespace gabor {
namespace {
constexpr const char* kNames[] = {"constant",      "uniform",    "normal",   "glorot_uniform",
                                  "glorot_normal", "he_uniform", "he_normal"};
}

std::vector<std::string> initializer_names() { return {std::begin(kNames), std::end(kNames)}; }

bool parse_initializer(const std::string& name, Initializer& out) {
  if (name == "zeros") return out = {InitKind::constant, 0, 0}, true;
  if (name == "xavier") return out = {InitKind::glorot_uniform}, true;
  for (int k = 0; k < int(std::size(kNames)); k++)
    if (name == kNames[k]) return out.kind = InitKind(k), true;
  return false;
}

double spread(const Initializer& init, const Fans& fans) {
  switch (init.kind) {
    case InitKind::constant:
      return init.value;
    case InitKind::uniform:
    case InitKind::normal:
      return init.scale;
    case InitKind::glorot_uniform:
      return std::sqrt(6 / (fans.in + fans.out));
    case InitKind::glorot_normal:
      return std::sqrt(2 / (fans.in + fans.out));
    case InitKind::he_uniform:
      return std::sqrt(6 / fans.in);
    case InitKind::he_normal:
      return std::sqrt(2 / fans.in);
  }
  return 0;
}

void initialize(const Initializer& init, const Fans& fans, const RandomKey& key, std::span<float> out) {
  const float s = float(spread(init, fans));
  Random random(key);
  switch (init.kind) {
    case InitKind::constant:
      for (float& w : out) w = s;
      break;
    case InitKind::uniform:
    case InitKind::glorot_uniform:
    case InitKind::he_uniform:
      for (float& w : out) w = random.uniform(-s, s);
      break;
    case InitKind::normal:
    case InitKind::glorot_normal:
    case InitKind::he_normal:
      for (float& w : out) w = s * random.normal();
      break;
  }
}

}  // namespace gabor
