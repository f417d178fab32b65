#include "data/decode.h"

#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <utility>

#include "core/error.h"
#include "data/image_header.h"
#include "data/jpeg.h"
#include "data/pixels.h"

#ifdef GABOR_TSAN
// Debian's OpenCV registers GDAL's drivers on first use, and GDAL takes two locks of its own in both orders,
// on one thread, before any picture is read. ThreadSanitizer is told not to report that; all of gabor stays
// watched.
extern "C" const char* __tsan_default_suppressions() { return "deadlock:libgdal.so\n"; }
#endif

namespace gabor {
namespace {

void check_size(const ImageHeader& h, const std::string& name, const DecodeLimits& limits) {
  if (h.width <= 0 || h.height <= 0)
    fail(ErrorCode::data, name, "{} header says {}x{} pixels; replace or remove it", name_of(h.kind), h.width,
         h.height);
  if (h.width > limits.max_side || h.height > limits.max_side || h.width * h.height > limits.max_pixels)
    fail(ErrorCode::data, name, "{}x{} pixels are over the limit ({} a side, {} in all); make it smaller",
         h.width, h.height, limits.max_side, limits.max_pixels);
}

// One pixel of OpenCV's B,G,R,A order, 8 or 16 bits a channel, to R,G,B over black.
template <class T>
void to_rgb(const cv::Mat& mat, Image& image) {
  constexpr int kShift = sizeof(T) == 2 ? 8 : 0;
  const int in_channels = mat.channels();
  image.reshape(mat.rows, mat.cols, 3);
  for (int y = 0; y < mat.rows; y++) {
    const T* in = mat.ptr<T>(y);
    uint8_t* out = image.row(y);
    for (int x = 0; x < mat.cols; x++, in += in_channels, out += 3) {
      const int blue = in[0] >> kShift;
      const int green = in_channels > 2 ? in[1] >> kShift : blue;
      const int red = in_channels > 2 ? in[2] >> kShift : blue;
      const int alpha = in_channels % 2 == 0 ? in[in_channels - 1] >> kShift : 255;
      out[0] = uint8_t((red * alpha + 127) / 255);
      out[1] = uint8_t((green * alpha + 127) / 255);
      out[2] = uint8_t((blue * alpha + 127) / 255);
    }
  }
}

void decode_with_opencv(std::span<const uint8_t> bytes, const ImageHeader& header, const std::string& name,
                        Image& image) {
  const auto damaged = [&] {
    fail(ErrorCode::data, name, "{} is damaged or of an unsupported kind; replace or remove it",
         name_of(header.kind));
  };
  cv::Mat mat;
  try {
    const cv::Mat input(1, int(bytes.size()), CV_8U, const_cast<uint8_t*>(bytes.data()));
    mat = cv::imdecode(input, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception&) {
    damaged();
  }
  if (mat.empty() || mat.cols != header.width || mat.rows != header.height) damaged();
  if (mat.depth() == CV_8U)
    to_rgb<uint8_t>(mat, image);
  else if (mat.depth() == CV_16U)
    to_rgb<uint16_t>(mat, image);
  else
    damaged();
}

}  // namespace

std::string decoder_versions() { return "OpenCV " + cv::getVersionString() + ", " + jpeg_version(); }

void decode(std::span<const uint8_t> bytes, const std::string& name, int channels, const DecodeLimits& limits,
            Image& image, std::optional<ImageSize> at_least) {
  if (channels != 1 && channels != 3)
    fail(ErrorCode::usage, name, "{} channels asked for; 1 or 3 are possible", channels);
  if (int64_t(bytes.size()) > limits.max_file_bytes)
    fail(ErrorCode::data, name, "{} bytes are over the limit of {}; make it smaller", bytes.size(),
         limits.max_file_bytes);
  const ImageHeader header = read_image_header(bytes, name);
  check_size(header, name, limits);
  check_container(bytes, header, name);
  const bool lies = header.orientation >= 5;  // stored turned by a quarter
  if (at_least && lies) std::swap(at_least->height, at_least->width);
  if (header.kind == ImageKind::jpeg)
    decode_jpeg(bytes, name, channels, at_least, image);
  else
    decode_with_opencv(bytes, header, name, image);
  set_channels(image, channels);
  apply_orientation(image, header.orientation);
}

}  // namespace gabor
