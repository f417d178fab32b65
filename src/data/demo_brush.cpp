#include "data/demo_brush.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace gabor::demo {
namespace {

constexpr int kShift = 4;  // OpenCV takes coordinates in 1/16 pixel
constexpr float kPi = 3.14159265f;

cv::Point fixed(cv::Point2f p) { return {cvRound(p.x * (1 << kShift)), cvRound(p.y * (1 << kShift))}; }

// Catmull-Rom through p1 and p2, t in 0..1.
cv::Point2f spline(cv::Point2f p0, cv::Point2f p1, cv::Point2f p2, cv::Point2f p3, float t) {
  return 0.5f * (2.f * p1 + t * (p2 - p0) + t * t * (2.f * p0 - 5.f * p1 + 4.f * p2 - p3) +
                 t * t * t * (3.f * p1 - p0 - 3.f * p2 + p3));
}

}  // namespace

Colour mix(const Colour& a, const Colour& b, float share_of_b) {
  return a * (1 - share_of_b) + b * share_of_b;
}

Colour shade(const Colour& colour, float factor) {
  Colour out;
  for (int c = 0; c < 3; c++) out[c] = std::clamp(colour[c] * factor, 0.0, 255.0);
  return out;
}

Colour random_colour(Random& random, float low, float high) {
  const float b = random.uniform(low, high), g = random.uniform(low, high), r = random.uniform(low, high);
  return {b, g, r};
}

Colour muted_colour(Random& random, float low, float high) {
  const float gray = random.uniform(low, high);
  return mix({gray, gray, gray}, random_colour(random, low, high), 0.5f);
}

Colour fur_colour(Random& random) {
  static const Colour kinds[] = {{70, 130, 205},  {115, 120, 125}, {48, 50, 56},   {50, 80, 120},
                                 {150, 190, 220}, {205, 212, 216}, {80, 105, 150}, {95, 90, 85}};
  const Colour base = kinds[random.below(8)];
  const float light = random.uniform(0.8f, 1.15f);
  return shade(mix(base, random_colour(random, 40, 200), 0.12f), light);
}

cv::Point2f Brush::place(cv::Point2f p) const {
  const float u = pose_.mirrored ? -p.x : p.x;
  const float c = std::cos(pose_.angle), s = std::sin(pose_.angle);
  return {pose_.centre_x + pose_.radius * (c * u - s * p.y),
          pose_.centre_y + pose_.radius * (s * u + c * p.y)};
}

void Brush::polygon(const Points& points, const Colour& colour) {
  std::vector<std::vector<cv::Point>> placed(1);
  for (const cv::Point2f& p : points) placed[0].push_back(fixed(place(p)));
  cv::fillPoly(image_, placed, colour, cv::LINE_AA, kShift);
}

void Brush::ellipse(cv::Point2f centre, float a, float b, float angle, const Colour& colour) {
  constexpr int kCorners = 36;
  std::vector<cv::Point> placed;
  for (int i = 0; i < kCorners; i++) {
    const float t = 2 * kPi * i / kCorners, x = a * std::cos(t), y = b * std::sin(t);
    placed.push_back(fixed(place({centre.x + x * std::cos(angle) - y * std::sin(angle),
                                  centre.y + x * std::sin(angle) + y * std::cos(angle)})));
  }
  cv::fillConvexPoly(image_, placed, colour, cv::LINE_AA, kShift);
}

void Brush::ball(cv::Point2f centre, float a, float b, float angle, const Colour& colour) {
  constexpr int kRings = 7;
  for (int i = 0; i < kRings; i++) {
    const float t = float(i) / kRings;  // 0 at the rim
    const cv::Point2f towards_light{centre.x, centre.y - 0.25f * t * std::min(a, b)};
    ellipse(towards_light, a * (1 - 0.8f * t), b * (1 - 0.8f * t), angle, shade(colour, 0.72f + 0.42f * t));
  }
}

void Brush::curve(const Points& points, float width, float end_width, const Colour& colour) {
  constexpr int kSteps = 8;
  const size_t n = points.size();
  cv::Point2f before = place(points[0]);
  for (size_t i = 0; i + 1 < n; i++)
    for (int step = 1; step <= kSteps; step++) {
      const float t = float(step) / kSteps;
      const cv::Point2f now =
          place(spline(points[i ? i - 1 : 0], points[i], points[i + 1], points[std::min(i + 2, n - 1)], t));
      const float along = (float(i) + t) / float(n - 1);
      const float pixels = pose_.radius * (width + (end_width - width) * along);
      cv::line(image_, fixed(before), fixed(now), colour, std::max(1, cvRound(pixels)), cv::LINE_AA, kShift);
      before = now;
    }
}

void Brush::fur(cv::Point2f centre, float a, float b, int count, const Colour& colour, Random& random) {
  for (int i = 0; i < count; i++) {
    const float t = random.uniform(0, 2 * kPi), r = std::sqrt(random.uniform()) * 0.97f;
    const cv::Point2f out{std::cos(t), std::sin(t)};
    const cv::Point2f from{centre.x + a * r * out.x, centre.y + b * r * out.y};
    const float length = random.uniform(0.06f, 0.16f);
    const cv::Point2f to{from.x + length * out.x, from.y + length * (0.6f * out.y + 0.5f)};
    cv::line(image_, fixed(place(from)), fixed(place(to)), shade(colour, random.uniform(0.7f, 1.3f)), 1,
             cv::LINE_AA, kShift);
  }
}

}  // namespace gabor::demo
