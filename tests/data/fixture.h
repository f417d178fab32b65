// Tiny data sets for the tests, made in a folder of their own that goes away with the test.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/image.h"

namespace gabor::test {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string path(const std::string& name = "") const {
    return name.empty() ? root_.string() : (root_ / name).string();
  }

 private:
  std::filesystem::path root_;
};

using Bytes = std::vector<uint8_t>;

void write_bytes(const std::string& path, const Bytes& bytes);  // makes the folders above it
Bytes read_bytes(const std::string& path);
std::string hex_hash(
    const std::string& folder);  // of all names and bytes below: to see that nothing was changed

// A picture whose pixels depend on seed only, smooth enough for JPEG.
Image picture(int height, int width, int channels, uint32_t seed);
Bytes encode(const Image& image, const std::string& extension);  // ".png", ".jpg", ".bmp", ".webp"
// path ends in the extension that decides the format.
void write_picture(const std::string& path, uint32_t seed, int height = 12, int width = 16);

// folder/CLASS/NNN.png, per_class of each.
void write_class_folders(const std::string& folder, const std::vector<std::string>& classes, int per_class);

// One archive member as GNU tar or POSIX pax would write it; ends: the two zero blocks.
Bytes tar_member(const std::string& name, const Bytes& content, char type = '0');
Bytes tar_end();
Bytes gzip(const Bytes& bytes);
Bytes big_endian(uint32_t value);
Bytes operator+(Bytes a, const Bytes& b);

// The message of the Error that call throws; fails the test when it throws none or one of another code.
template <class Call>
std::string error_of(ErrorCode code, Call&& call);
void add_failure(const std::string& message);

template <class Call>
std::string error_of(ErrorCode code, Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    if (e.code() != code) add_failure(std::string("another kind of error: ") + e.what());
    return e.what();
  }
  add_failure("no error was thrown");
  return "";
}

// The folder of shared test data, or "": $GABOR_SHARED, else ../shared beside the repository.
std::string shared_folder();

}  // namespace gabor::test
