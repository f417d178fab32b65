#include <cmath>

#include "data/demo_brush.h"

namespace gabor::demo {
namespace {

const Colour kBlack{18, 16, 16}, kWhite{238, 240, 240}, kPink{150, 140, 215};

// The chest, legs and paws both animals sit with; seen from the front.
void draw_body(Brush& brush, const Colour& fur, const Colour& bib, float width, Random& random) {
  brush.ball({0, 2.05f}, width, 1.45f, 0, fur);
  brush.fur({0, 2.05f}, width, 1.4f, 90, fur, random);
  brush.ball({0, 1.75f}, width * 0.5f, 0.85f, 0, bib);
  for (const float side : {-1.f, 1.f}) {
    brush.ball({side * 0.36f, 2.75f}, 0.24f, 0.75f, 0, shade(fur, 1.05f));
    brush.ball({side * 0.38f, 3.35f}, 0.32f, 0.2f, 0, bib);
  }
}

// Both wear one as often, in the same colours.
void draw_collar(Brush& brush, Random& random) {
  if (random.uniform() > 0.4f) return;
  const Colour colour = random_colour(random, 20, 230);
  brush.curve({{-0.72f, 0.86f}, {0, 1.1f}, {0.72f, 0.86f}}, 0.16f, 0.16f, colour);
  brush.ball({0, 1.2f}, 0.1f, 0.1f, 0, {60, 190, 215});
}

void draw_eye(Brush& brush, cv::Point2f at, float a, float b, float tilt, const Colour& iris, float pupil_a,
              float pupil_b) {
  brush.ellipse(at, a * 1.18f, b * 1.2f, tilt, kBlack);
  brush.ball(at, a, b, tilt, iris);
  brush.ellipse(at, pupil_a, pupil_b, 0, kBlack);
  brush.ellipse({at.x - 0.05f, at.y - 0.07f}, 0.045f, 0.045f, 0, kWhite);
}

}  // namespace

void draw_cat(Brush& brush, Random& random) {
  const Colour fur = fur_colour(random), dark = shade(fur, 0.5f);
  const Colour bib = random.uniform() < 0.5f ? mix(fur, kWhite, 0.75f) : shade(fur, 1.1f);
  const float ear = random.uniform(0.9f, 1.1f), sway = random.uniform(-0.15f, 0.15f);

  const Points tail{{0.7f, 3.2f}, {1.5f, 3.1f}, {1.75f + sway, 2.3f}, {1.45f, 1.6f}, {1.75f + sway, 1.0f}};
  brush.curve(tail, 0.24f, 0.14f, shade(fur, 0.75f));
  draw_body(brush, fur, bib, 0.85f, random);
  draw_collar(brush, random);

  for (const float side : {-1.f, 1.f}) {  // pointed ears
    const cv::Point2f tip{side * 0.82f, -1.42f * ear};
    brush.polygon({{side * 0.12f, -0.78f}, tip, {side * 0.98f, -0.2f}}, shade(fur, 0.85f));
    brush.polygon({{side * 0.34f, -0.78f}, {side * 0.76f, -1.18f * ear}, {side * 0.84f, -0.42f}},
                  mix(kPink, fur, 0.3f));
  }
  brush.ball({0, 0}, 1.05f, 0.88f, 0, fur);
  brush.fur({0, 0}, 1.05f, 0.88f, 130, fur, random);
  if (random.uniform() < 0.6f) {  // a tabby's stripes
    for (const float x : {-0.28f, 0.f, 0.28f})
      brush.curve({{x, -0.82f}, {x * 0.8f, -0.45f}}, 0.1f, 0.04f, dark);
    for (const float side : {-1.f, 1.f})
      for (const float y : {0.1f, 0.32f})
        brush.curve({{side * 1.0f, y}, {side * 0.66f, y + 0.06f}}, 0.08f, 0.03f, dark);
  }

  static const Colour irises[] = {{70, 190, 130}, {60, 190, 220}, {200, 170, 90}, {60, 150, 200}};
  const Colour iris = irises[random.below(4)];
  const float slit = random.uniform(0.035f, 0.08f);
  for (const float side : {-1.f, 1.f})
    draw_eye(brush, {side * 0.42f, -0.1f}, 0.25f, 0.18f, side * -0.2f, iris, slit, 0.165f);

  for (const float side : {-1.f, 1.f}) brush.ball({side * 0.17f, 0.42f}, 0.22f, 0.17f, 0, bib);
  brush.polygon({{-0.11f, 0.24f}, {0.11f, 0.24f}, {0, 0.36f}}, kPink);
  brush.curve({{-0.22f, 0.54f}, {-0.1f, 0.56f}, {0, 0.46f}, {0.1f, 0.56f}, {0.22f, 0.54f}}, 0.035f, 0.035f,
              kBlack);
  const Colour whisker = mix(kWhite, fur, 0.15f);
  for (const float side : {-1.f, 1.f})
    for (const float lift : {-0.16f, 0.02f, 0.2f})
      brush.curve({{side * 0.26f, 0.42f + lift * 0.3f},
                   {side * 0.85f, 0.36f + lift},
                   {side * 1.4f, 0.44f + lift * 1.6f}},
                  0.025f, 0.012f, whisker);
}

void draw_dog(Brush& brush, Random& random) {
  const Colour fur = fur_colour(random);
  const Colour bib = random.uniform() < 0.5f ? mix(fur, kWhite, 0.75f) : shade(fur, 1.1f);
  const Colour ear = random.uniform() < 0.5f ? shade(fur, 0.6f) : mix(fur, fur_colour(random), 0.7f);
  const float hang = random.uniform(0.9f, 1.1f);

  const Points tail{{0.75f, 2.9f}, {1.25f, 2.5f}, {1.5f, 2.05f}};
  brush.curve(tail, 0.36f, 0.18f, shade(fur, 0.8f));
  draw_body(brush, fur, bib, 1.02f, random);
  draw_collar(brush, random);

  brush.ball({0, -0.02f}, 0.82f, 0.96f, 0, fur);
  brush.fur({0, -0.02f}, 0.82f, 0.96f, 130, fur, random);
  if (random.uniform() < 0.5f) brush.ball({0.36f, -0.26f}, 0.34f, 0.38f, 0.2f, ear);  // a patch round one eye
  for (const float side : {-1.f, 1.f}) {                                              // hanging ears
    brush.ball({side * 0.92f, 0.18f * hang}, 0.32f, 0.86f * hang, side * -0.16f, ear);
    brush.fur({side * 0.92f, 0.18f * hang}, 0.3f, 0.82f * hang, 45, ear, random);
  }

  static const Colour irises[] = {{30, 60, 110}, {40, 80, 140}, {25, 40, 70}, {140, 120, 80}};
  const Colour iris = irises[random.below(4)];
  for (const float side : {-1.f, 1.f}) {
    draw_eye(brush, {side * 0.34f, -0.22f}, 0.155f, 0.165f, 0, iris, 0.09f, 0.1f);
    brush.curve({{side * 0.2f, -0.5f}, {side * 0.36f, -0.56f}, {side * 0.5f, -0.48f}}, 0.06f, 0.04f,
                shade(fur, 0.65f));
  }

  const bool panting = random.uniform() < 0.75f;
  if (panting) {
    brush.ellipse({0, 0.92f}, 0.27f, 0.26f, 0, {45, 35, 70});
    brush.ball({0.04f, 1.06f}, 0.19f, 0.36f, 0, {115, 100, 215});
    brush.curve({{0.04f, 0.86f}, {0.04f, 1.2f}}, 0.03f, 0.02f, {90, 75, 180});
  }
  brush.ball({0, 0.48f}, 0.46f, 0.5f, 0, bib);  // the long muzzle
  brush.fur({0, 0.5f}, 0.4f, 0.42f, 30, bib, random);
  brush.ball({0, 0.22f}, 0.24f, 0.17f, 0, {38, 34, 34});
  brush.ellipse({-0.07f, 0.15f}, 0.06f, 0.03f, 0, {120, 118, 118});
  brush.curve({{0, 0.36f}, {0, 0.64f}}, 0.04f, 0.04f, kBlack);
  brush.curve({{-0.36f, 0.66f}, {-0.16f, 0.78f}, {0, 0.66f}, {0.16f, 0.78f}, {0.36f, 0.66f}}, 0.045f, 0.045f,
              kBlack);
}

}  // namespace gabor::demo
