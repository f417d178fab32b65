// What forward.cpp's code for one instruction set gets from the code that is common to all.
#pragma once
#include "backends/cpu/first_block/geometry.h"

namespace gabor::cpu::first_block {

// Where in the planes the two input rows lie that a row of w meets in a 2x2 window, from the window's place
// on.
struct WindowRows {
  int64_t upper, lower;  // of the even columns; the odd ones are plane_size further
};

struct ForwardArgs {
  const Geometry* geometry;
  const void* x;
  const float* packed_w;
  const float* b;
  float* y;
  uint8_t* argmax;                             // may be null
  WindowRows rows[kMaxChannels * kMaxKernel];  // [c][r]
  int64_t row_count;

  ForwardArgs(const Geometry& g, const void* x, const float* packed_w, const float* b, float* y,
              uint8_t* argmax)
      : geometry(&g), x(x), packed_w(packed_w), b(b), y(y), argmax(argmax), row_count(g.C * g.R) {
    const auto offset = [&](int64_t c, int64_t r) {
      return (2 * c + r % 2) * 2 * g.plane_size + r / 2 * g.pitch;
    };
    for (int64_t c = 0; c < g.C; c++)
      for (int64_t r = 0; r < g.R; r++) rows[c * g.R + r] = {offset(c, r), offset(c, r + 1)};
  }
};

// A thread's scratch; each piece is aligned to 64 bytes.
struct ForwardScratch {
  float* planes;   // [c][row parity][column parity][plane_size]
  float* values;   // [k][lane]: one vector of pooled places for each filter
  float* quads;    // [k / 4][lane][4]: the same, transposed
  uint8_t* codes;  // [k][lane]: arg-max of a vector that may not be stored whole

  ForwardScratch(const Geometry& g, float* base)
      : planes(base),
        values(planes + planes_floats(g)),
        quads(values + lanes_floats(g)),
        codes(reinterpret_cast<uint8_t*>(quads + lanes_floats(g))) {}
  static int64_t floats(const Geometry& g) { return planes_floats(g) + 3 * lanes_floats(g); }

 private:
  static int64_t planes_floats(const Geometry& g) { return 4 * g.C * g.plane_size; }
  static int64_t lanes_floats(const Geometry& g) { return round_up(g.K, 4) * kMaxLanes; }
};

}  // namespace gabor::cpu::first_block
