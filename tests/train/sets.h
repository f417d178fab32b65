// Data sets in memory for tests of training.
#pragma once
#include "api/memory_dataset.h"
#include "core/philox.h"

namespace gabor::testing {

// Gray pictures of 12x12 with a bright bar that is vertical in class 0 and horizontal in class 1, on noise.
inline PictureSet bars(int count, uint64_t seed = 5) {
  PictureSet set{12, 12, 1, {}, {}, {"upright", "lying"}};
  Random random({seed, Purpose::test, 9, 0});
  for (int i = 0; i < count; i++) {
    const int label = i % 2;
    const int place = 2 + int(random.below(8));
    for (int y = 0; y < 12; y++)
      for (int x = 0; x < 12; x++)
        set.pixels.push_back(uint8_t(random.below(90) + ((label ? y : x) == place ? 150 : 0)));
    set.labels.push_back(label);
  }
  return set;
}

constexpr const char* kBarsNet =
    "name = \"bars\"\n[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\nactivation = "
    "\"relu\"\n[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\n"
    "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dropout\"\nrate = 0.1\n[[layer]]\ntype = "
    "\"dense\"\nunits = \"classes\"\nactivation = \"softmax\"\n";

constexpr const char* kNormalisedBarsNet =
    "name = \"bars\"\n[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\nbias = false\n"
    "[[layer]]\ntype = \"batchnorm\"\nname = \"norm\"\n[[layer]]\ntype = \"activation\"\nkind = \"relu\"\n"
    "[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\n[[layer]]\ntype = \"flatten\"\n"
    "[[layer]]\ntype = \"dense\"\nunits = \"classes\"\nactivation = \"softmax\"\n";

}  // namespace gabor::testing
