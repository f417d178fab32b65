// Drawing for the demo set: shapes in the animal's own units, placed on the picture by one transform.
// Includes OpenCV: for the demo_*.cpp files only.
#pragma once
#include <opencv2/core.hpp>
#include <vector>

#include "core/philox.h"

namespace gabor::demo {

using Colour = cv::Scalar;  // B,G,R 0..255
using Points = std::vector<cv::Point2f>;

Colour mix(const Colour& a, const Colour& b, float share_of_b);
Colour shade(const Colour& colour, float factor);  // < 1 darker, > 1 lighter
Colour random_colour(Random& random, float low, float high);
Colour muted_colour(Random& random, float low, float high);  // nearer to gray, as most of the world is
Colour fur_colour(Random& random);                           // what both cats and dogs come in

// Units: the head's radius is 1, its centre the origin, u to the right, v down.
struct Pose {
  float centre_x = 0, centre_y = 0;  // pixels
  float radius = 1;                  // pixels
  float angle = 0;                   // radians
  bool mirrored = false;
};

class Brush {
 public:
  Brush(cv::Mat& image, Pose pose) : image_(image), pose_(pose) {}

  void polygon(const Points& points, const Colour& colour);
  // An ellipse of half axes a (along angle) and b.
  void ellipse(cv::Point2f centre, float a, float b, float angle, const Colour& colour);
  // The same, lit from above: rings from dark at the rim to light.
  void ball(cv::Point2f centre, float a, float b, float angle, const Colour& colour);
  // A smooth curve through the points, of constant or falling width (units).
  void curve(const Points& points, float width, float end_width, const Colour& colour);
  // count short strokes of fur within an ellipse, running away from its centre.
  void fur(cv::Point2f centre, float a, float b, int count, const Colour& colour, Random& random);

 private:
  cv::Point2f place(cv::Point2f p) const;
  cv::Mat& image_;
  Pose pose_;
};

void draw_cat(Brush& brush, Random& random);
void draw_dog(Brush& brush, Random& random);

// The whole picture: size, background, animal, something in front of it, light, lens and grain.
cv::Mat draw_scene(bool dog, Random& random);

}  // namespace gabor::demo
