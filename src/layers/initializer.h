// How parameters start.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/philox.h"

namespace gabor {

enum class InitKind : uint8_t {
  constant,
  uniform,
  normal,
  glorot_uniform,
  glorot_normal,
  he_uniform,
  he_normal
};

struct Initializer {
  InitKind kind = InitKind::glorot_uniform;
  float value = 0;      // constant
  float scale = 0.05f;  // uniform: -scale..scale; normal: standard deviation
};

std::vector<std::string> initializer_names();
bool parse_initializer(const std::string& name, Initializer& out);  // false: unknown name

// Inputs and outputs that one weight connects: conv2d R*S*C/groups and R*S*K/groups; dense C and K.
struct Fans {
  double in = 1, out = 1;
};

// glorot: variance 2/(in+out) (Glorot, Bengio 2010), uniform limit sqrt(6/(in+out)); he: variance 2/in (He et
// al. 2015), uniform limit sqrt(6/in). The limit of uniform draws, or the deviation of normal ones; constant:
// the value.
double spread(const Initializer& init, const Fans& fans);

// Element i depends on (key, i) alone.
void initialize(const Initializer& init, const Fans& fans, const RandomKey& key, std::span<float> out);

}  // namespace gabor
