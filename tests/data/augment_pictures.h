// Pictures for the tests of augmentation: of every awkward shape.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "core/philox.h"
#include "data/augment/pixel_view.h"

namespace gabor::test {

struct PictureShape {
  int height, width, channels;
};

inline const PictureShape kShapes[] = {{1, 1, 1}, {1, 1, 3},  {1, 17, 3},  {23, 1, 1}, {2, 2, 3},
                                       {3, 3, 1}, {8, 31, 3}, {40, 29, 1}, {33, 48, 3}};

inline std::string shape_name(const ::testing::TestParamInfo<PictureShape>& info) {
  return std::to_string(info.param.height) + "x" + std::to_string(info.param.width) + "x" +
         std::to_string(info.param.channels);
}

// Any value anywhere.
inline Image noise(const PictureShape& shape, uint64_t seed) {
  Image image;
  image.reshape(shape.height, shape.width, shape.channels);
  Random random({.seed = seed});
  for (uint8_t& v : image.pixels) v = uint8_t(random.below(256));
  return image;
}

inline PixelView view_of(Image& image) {
  return {image.pixels.data(), image.height, image.width, image.channels};
}

}  // namespace gabor::test
