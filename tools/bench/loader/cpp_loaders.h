// Loaders in C++ that tools/bench/loader sets gabor's beside. Each runs one epoch over files of class folders.
#pragma once
#include <string>
#include <vector>

namespace gabor::bench {

struct Epoch {
  int images = 0;
  double levels = 0;  // sum over the pictures of the mean of their bytes, where it was asked for
};

// What a user of OpenCV writes: cv::imread and cv::resize (INTER_AREA, else INTER_LINEAR) into the rows of a ring
// of batches, BGR, by a pool of std::threads.
Epoch opencv_epoch(const std::vector<std::string>& files, int side, int threads, bool area, bool with_mean);

// The floor of every decoder built on libjpeg: entropy decoding of all coefficients, no pixel made.
Epoch huffman_epoch(const std::vector<std::string>& files, int threads);

// The floor of a cache: a plain copy of as many pictures, from memory to batches.
Epoch copy_epoch(const std::vector<unsigned char>& pictures, int side, std::vector<unsigned char>& batches);

}  // namespace gabor::bench
