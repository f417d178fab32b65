#include "data/fixture.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "data/fingerprint.h"

namespace gabor::test {

namespace fs = std::filesystem;

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "gabor-data-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in " + name);
  root_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void write_bytes(const std::string& path, const Bytes& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  if (!out) throw std::runtime_error("cannot write " + path);
}

Bytes read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string hex_hash(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  Fingerprint print;
  for (const std::string& path : paths) {
    const Bytes bytes = read_bytes(path);
    print.add(path);
    print.add(bytes.data(), bytes.size());
  }
  return std::to_string(print.value()) + "/" + std::to_string(paths.size());
}

Image picture(int height, int width, int channels, uint32_t seed) {
  Image image;
  image.reshape(height, width, channels);
  size_t at = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        image.pixels[at++] =
            uint8_t(128 + 60 * std::sin(0.3 * x + seed) + 50 * std::cos(0.2 * y * (c + 1) + 3 * seed));
  return image;
}

Bytes encode(const Image& image, const std::string& extension) {
  cv::Mat mat(image.height, image.width, CV_8UC(image.channels));
  for (int y = 0; y < image.height; y++)
    for (int x = 0; x < image.width; x++)
      for (int c = 0; c < image.channels; c++)  // OpenCV's order is B,G,R
        mat.ptr(y)[x * image.channels + c] = image.row(y)[x * image.channels + (image.channels - 1 - c)];
  Bytes bytes;
  cv::imencode(extension, mat, bytes);
  return bytes;
}

void write_picture(const std::string& path, uint32_t seed, int height, int width) {
  write_bytes(path, encode(picture(height, width, 3, seed), fs::path(path).extension().string()));
}

void write_class_folders(const std::string& folder, const std::vector<std::string>& classes, int per_class) {
  uint32_t seed = 0;
  for (const std::string& c : classes)
    for (int i = 0; i < per_class; i++)
      write_picture(folder + "/" + c + "/" + std::to_string(100 + i) + ".png", seed++);
}

Bytes tar_member(const std::string& name, const Bytes& content, char type) {
  Bytes block(512);
  std::memcpy(block.data(), name.data(), std::min<size_t>(name.size(), 100));
  std::snprintf(reinterpret_cast<char*>(&block[100]), 8, "%07o", 0644);
  std::snprintf(reinterpret_cast<char*>(&block[124]), 12, "%011zo", content.size());
  block[156] = uint8_t(type);
  std::memcpy(&block[257],
              "ustar\0"
              "00",
              8);
  std::memset(&block[148], ' ', 8);
  unsigned sum = 0;
  for (uint8_t b : block) sum += b;
  std::snprintf(reinterpret_cast<char*>(&block[148]), 7, "%06o", sum);
  block.insert(block.end(), content.begin(), content.end());
  block.resize((block.size() + 511) / 512 * 512);
  return block;
}

Bytes tar_end() { return Bytes(1024); }

Bytes gzip(const Bytes& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<uint8_t*>(bytes.data()), stream.avail_in = uInt(bytes.size());
  stream.next_out = out.data(), stream.avail_out = uInt(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes big_endian(uint32_t v) { return {uint8_t(v >> 24), uint8_t(v >> 16), uint8_t(v >> 8), uint8_t(v)}; }

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void add_failure(const std::string& message) { ADD_FAILURE() << message; }

std::string shared_folder() {
  const char* set = std::getenv("GABOR_SHARED");
  const fs::path path = set ? fs::path(set) : fs::path(GABOR_SOURCE_DIR) / ".." / "shared";
  return fs::is_directory(path / "data") ? fs::canonical(path).string() : "";
}

}  // namespace gabor::test
