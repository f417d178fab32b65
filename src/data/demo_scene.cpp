#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "data/demo_brush.h"

namespace gabor::demo {
namespace {

// For grain: millions of draws a picture, so a plain xorshift (Marsaglia 2003), seeded from the counter-based
// stream.
class Grain {
 public:
  explicit Grain(uint32_t seed) : state_(seed | 1) {}
  int operator()() {  // triangular, -255..255
    state_ ^= state_ << 13, state_ ^= state_ >> 17, state_ ^= state_ << 5;
    return int(state_ & 255) - int(state_ >> 8 & 255);
  }

 private:
  uint32_t state_;
};

// Smooth random clouds: a coarse random picture, enlarged.
cv::Mat clouds(cv::Size size, int cells, float low, float high, Random& random) {
  cv::Mat coarse(cells, cells, CV_8UC3), out;
  for (auto it = coarse.begin<cv::Vec3b>(); it != coarse.end<cv::Vec3b>(); ++it) {
    const Colour c = muted_colour(random, low, high);
    *it = cv::Vec3b(uint8_t(c[0]), uint8_t(c[1]), uint8_t(c[2]));
  }
  cv::resize(coarse, out, size, 0, 0, cv::INTER_CUBIC);
  return out;
}

void paint_gradient(cv::Mat& image, const Colour& top, const Colour& bottom) {
  for (int y = 0; y < image.rows; y++) image.row(y).setTo(mix(top, bottom, float(y) / float(image.rows)));
}

void paint_room(cv::Mat& image, Random& random) {  // a wall with stripes and a floor
  const Colour wall = muted_colour(random, 70, 225), floor = muted_colour(random, 40, 190);
  paint_gradient(image, wall, shade(wall, 0.8f));
  const int horizon = int(image.rows * random.uniform(0.62f, 0.8f)), stripe = int(random.uniform(14, 60));
  const Colour light = shade(wall, 1.12f);
  for (int x = int(random.below(uint32_t(stripe))); x < image.cols; x += 2 * stripe)
    cv::rectangle(image, {x, 0}, {x + stripe / 2, horizon}, light, cv::FILLED);
  cv::rectangle(image, {0, horizon}, {image.cols, image.rows}, floor, cv::FILLED);
  cv::line(image, {0, horizon}, {image.cols, horizon}, shade(floor, 0.6f), 3, cv::LINE_AA);
}

void paint_garden(cv::Mat& image, Random& random) {  // sky over blades of grass
  const Colour sky = mix({225, 190, 140}, muted_colour(random, 120, 240), 0.5f);
  const Colour grass = mix({60, 140, 80}, muted_colour(random, 40, 170), 0.4f);
  const int horizon = int(image.rows * random.uniform(0.35f, 0.7f));
  cv::Mat above = image.rowRange(0, horizon), below = image.rowRange(horizon, image.rows);
  paint_gradient(above, sky, shade(sky, 1.1f));
  paint_gradient(below, shade(grass, 0.8f), grass);
  for (int i = 0; i < 220; i++) {
    const int x = int(random.below(uint32_t(image.cols))),
              y = horizon + int(random.below(uint32_t(image.rows - horizon)));
    const int height = 6 + int(random.below(18)), lean = int(random.below(9)) - 4;
    cv::line(image, {x, y}, {x + lean, y - height}, shade(grass, random.uniform(0.6f, 1.35f)), 1,
             cv::LINE_AA);
  }
}

void paint_lights(cv::Mat& image, Random& random) {  // discs out of focus
  const Colour base = muted_colour(random, 30, 150);
  paint_gradient(image, base, shade(base, 0.7f));
  for (int i = 0; i < 26; i++) {
    const cv::Point at{int(random.below(uint32_t(image.cols))), int(random.below(uint32_t(image.rows)))};
    cv::circle(image, at, 6 + int(random.below(34)), mix(base, muted_colour(random, 60, 255), 0.45f),
               cv::FILLED, cv::LINE_AA);
  }
}

void paint_background(cv::Mat& image, Random& random) {
  switch (random.below(4)) {
    case 0:
      clouds(image.size(), 3 + int(random.below(6)), 30, 225, random).copyTo(image);
      break;
    case 1:
      paint_room(image, random);
      break;
    case 2:
      paint_garden(image, random);
      break;
    default:
      paint_lights(image, random);
      break;
  }
  if (random.uniform() < 0.6f) {
    const double blur = random.uniform(0.5f, 3.f);
    cv::GaussianBlur(image, image, {0, 0}, blur);
  }
}

// Something between the camera and the animal, at the lower edge or a side: never over the face.
void paint_foreground(cv::Mat& image, Random& random) {
  const Colour colour = muted_colour(random, 30, 210);
  const float w = float(image.cols), h = float(image.rows);
  const uint32_t kind = random.below(4);
  if (kind == 0) {  // a cushion
    const cv::Point at{int(w * random.uniform(0.1f, 0.9f)), int(h * 1.02f)};
    cv::ellipse(image, at, {int(w * 0.22f), int(h * 0.16f)}, 0, 0, 360, colour, cv::FILLED, cv::LINE_AA);
    cv::ellipse(image, at, {int(w * 0.17f), int(h * 0.11f)}, 0, 0, 360, shade(colour, 1.15f), cv::FILLED,
                cv::LINE_AA);
  } else if (kind == 1) {  // stems
    for (int i = 0; i < 7; i++) {
      const int x = int(random.below(uint32_t(image.cols)));
      cv::line(image, {x, image.rows}, {x + int(random.below(30)) - 15, int(h * random.uniform(0.72f, 0.9f))},
               shade(colour, random.uniform(0.7f, 1.2f)), 2, cv::LINE_AA);
    }
  } else if (kind == 2) {  // a post at the side
    const int width = int(w * random.uniform(0.04f, 0.1f)),
              x = random.uniform() < 0.5f ? 0 : image.cols - width;
    cv::rectangle(image, {x, 0}, {x + width, image.rows}, colour, cv::FILLED);
  }
}

// Light that varies over the picture, exposure, and the grain of the sensor.
void develop(cv::Mat& image, Random& random) {
  const float exposure = random.uniform(0.78f, 1.18f), slope_x = random.uniform(-0.3f, 0.3f),
              slope_y = random.uniform(-0.2f, 0.2f);
  const int grain = int(random.uniform(4, 26));
  Grain next(random.bits());
  for (int y = 0; y < image.rows; y++) {
    uint8_t* p = image.ptr(y);
    for (int x = 0; x < image.cols; x++, p += 3) {
      const float light = exposure + slope_x * (float(x) / float(image.cols) - 0.5f) +
                          slope_y * (float(y) / float(image.rows) - 0.5f);
      const int brightness = (next() * grain) >> 9;
      for (int c = 0; c < 3; c++)
        p[c] = uint8_t(std::clamp(int(float(p[c]) * light) + brightness + ((next() * grain) >> 10), 0, 255));
    }
  }
}

}  // namespace

cv::Mat draw_scene(bool dog, Random& random) {
  // half of the pictures are near the full size; sides 4:3 to 3:4
  const float long_side = random.uniform() < 0.5f ? random.uniform(300, 500) : random.uniform(120, 300);
  const float ratio = random.uniform(0.75f, 0.95f);
  int width = int(long_side), height = int(long_side * ratio);
  if (random.uniform() < 0.35f) std::swap(width, height);

  cv::Mat image(height, width, CV_8UC3);
  paint_background(image, random);
  const float side = float(std::min(width, height));
  const Pose pose{.centre_x = float(width) * random.uniform(0.43f, 0.57f),
                  .centre_y = float(height) * random.uniform(0.37f, 0.47f),
                  .radius = side * random.uniform(0.2f, 0.26f),
                  .angle = random.uniform(-0.14f, 0.14f),
                  .mirrored = random.uniform() < 0.5f};
  Brush brush(image, pose);
  dog ? draw_dog(brush, random) : draw_cat(brush, random);
  paint_foreground(image, random);
  if (random.uniform() < 0.5f) cv::GaussianBlur(image, image, {0, 0}, random.uniform(0.4f, 1.1f));
  develop(image, random);
  return image;
}

}  // namespace gabor::demo
