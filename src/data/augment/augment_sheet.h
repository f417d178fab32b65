// What augmentation makes of pictures, for people's eyes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/augment/augment.h"
#include "data/image.h"

namespace gabor {

struct AugmentedPicture {
  std::string name;
  uint32_t sample = 0;  // index into the data set
  Image image;          // at the input size; 1 or 3 channels
};

// The bytes of a PNG: of each picture its name, itself, and what the epochs 0 .. epochs - 1 of a run with this seed
// train on in its place, in rows of 8.
// Where pictures are mixed: with the next one of these (in a run: with another one of the batch). All are of one size.
std::vector<uint8_t> augment_sheet(const std::vector<AugmentedPicture>& pictures, const AugmentSpec& spec,
                                   uint64_t seed, int epochs);

}  // namespace gabor
