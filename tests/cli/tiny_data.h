// Small data sets that a classifier learns within a second.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gabor::testing {

// A 24-bit BMP file of one colour with noise: the colour tells the class, the noise makes every picture
// different.
std::string noisy_bmp(int width, int height, int red, int green, int blue, uint64_t seed);

// folder/<class>/NN.bmp, each class in its own colour.
void write_class_folders(const std::string& folder, const std::vector<std::string>& classes,
                         int pictures_each, int side = 12);

// folder of MNIST idx files: 40 training and 10 test pictures of 8x8, two classes (a bright half, left or
// right).
void write_idx_folder(const std::string& folder);

}  // namespace gabor::testing
