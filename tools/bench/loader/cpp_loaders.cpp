#include "cpp_loaders.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>
// jpeglib.h needs <cstdio> before it
#include <jpeglib.h>

namespace gabor::bench {
namespace {

// work(i) for each i below count, by a pool; every thread takes the next one that is left.
template <class Work>
void in_pool(int count, int threads, Work work) {
  std::atomic<int> next{0};
  std::vector<std::jthread> pool;
  for (int t = 0; t < threads; t++)
    pool.emplace_back([&] {
      for (int i; (i = next++) < count;) work(i);
    });
}

}  // namespace

Epoch opencv_epoch(const std::vector<std::string>& files, int side, int threads, bool area, bool with_mean) {
  cv::setNumThreads(1);          // the pool's threads are all there are
  constexpr int kRing = 4 * 32;  // rows; nobody waits for a batch to be whole: the best case
  const size_t picture = size_t(side) * size_t(side) * 3;
  std::vector<unsigned char> ring(kRing * picture);
  std::vector<double> means(files.size());
  in_pool(int(files.size()), threads, [&](int i) {
    const cv::Mat image = cv::imread(files[size_t(i)]);
    unsigned char* pixels = &ring[size_t(i % kRing) * picture];
    cv::Mat row(side, side, CV_8UC3, pixels);
    cv::resize(image, row, row.size(), 0, 0, area ? cv::INTER_AREA : cv::INTER_LINEAR);
    if (with_mean) means[size_t(i)] = std::accumulate(pixels, pixels + picture, 0.0) / double(picture);
  });
  return {.images = int(files.size()), .levels = std::accumulate(means.begin(), means.end(), 0.0)};
}

Epoch huffman_epoch(const std::vector<std::string>& files, int threads) {
  in_pool(int(files.size()), threads, [&](int i) {
    std::ifstream file(files[size_t(i)], std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    jpeg_decompress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&info, TRUE);
    jpeg_read_coefficients(&info);
    jpeg_destroy_decompress(&info);
  });
  return {.images = int(files.size())};
}

Epoch copy_epoch(const std::vector<unsigned char>& pictures, int side, std::vector<unsigned char>& batches) {
  const size_t picture = size_t(side) * size_t(side) * 3, ring = batches.size() / picture;
  const size_t count = pictures.size() / picture;
  for (size_t i = 0; i < count; i++)
    std::memcpy(&batches[i % ring * picture], &pictures[i * picture], picture);
  return {.images = int(count)};
}

}  // namespace gabor::bench
