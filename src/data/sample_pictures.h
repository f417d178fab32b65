// Four pictures that try out the whole way from a file to the pixels of the net; gabor draws them, so that they show
// nobody's photos and are there whatever the data set is.
#pragma once
#include <cstdint>
#include <vector>

namespace gabor {

// The bytes of four image files, for a net whose input is height x width (made for it in size: some are larger and some
// smaller, so that both ways of resizing are met). In order: a JPEG that EXIF says is turned by a quarter, a gray
// JPEG, a PNG of 16 bits a channel, a PNG with alpha. Always the same bytes with the same OpenCV.
std::vector<std::vector<uint8_t>> sample_pictures(int height, int width);

}  // namespace gabor
