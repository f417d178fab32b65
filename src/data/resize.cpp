#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "data/antialias.h"

namespace gabor {

const char* name_of(Resize filter) {
  switch (filter) {
    case Resize::antialias:
      return "antialias";
    case Resize::linear:
      return "linear";
    case Resize::area:
      return "area";
    case Resize::fast:
      return "fast";
  }
  return "?";
}

Resize resize_from_name(const std::string& name) {
  for (Resize filter : {Resize::antialias, Resize::linear, Resize::area, Resize::fast})
    if (name == name_of(filter)) return filter;
  fail(ErrorCode::usage, "resize", "'{}' is no filter{}", printable(name),
       suggestion(name, {"antialias", "linear", "area", "fast"}));
}

std::optional<ImageSize> decode_size(Resize filter, int height, int width) {
  if (filter != Resize::fast) return std::nullopt;
  return ImageSize{.height = 2 * height, .width = 2 * width};
}

void resize(const Image& image, int height, int width, Resize filter, uint8_t* out) {
  if (height < 1 || width < 1 || image.height < 1 || image.width < 1)
    fail(ErrorCode::usage, "resize", "cannot resize {}x{} to {}x{}", image.height, image.width, height,
         width);
  if (image.height == height && image.width == width) {
    std::memcpy(out, image.pixels.data(), image.pixels.size());
    return;
  }
  if (filter == Resize::antialias || filter == Resize::fast)
    return resize_antialias(image, height, width, out);

  // Whole pictures are the unit of parallel work here; OpenCV's own threads would only get in each other's
  // way.
  static const bool single_threaded = (cv::setNumThreads(1), true);
  (void)single_threaded;
  const int type = image.channels == 3 ? CV_8UC3 : CV_8UC1;
  const cv::Mat from(image.height, image.width, type, const_cast<uint8_t*>(image.pixels.data()));
  cv::Mat to(height, width, type, out);
  cv::resize(from, to, to.size(), 0, 0, filter == Resize::area ? cv::INTER_AREA : cv::INTER_LINEAR);
}

}  // namespace gabor
