// What backward.cpp's code for one instruction set gets from the code that is common to all.
#pragma once
#include "backends/cpu/first_block/geometry.h"

namespace gabor::cpu::first_block {

struct BackwardArgs {
  const Geometry* geometry;
  const void* x;
  const uint8_t* argmax;
  const float* dy;
  float* dw;
  float* db;  // may be null
  bool accumulate;
  float* partials;  // [part][partial_floats]
};

// A thread's scratch; each piece is aligned to 64 bytes.
struct BackwardScratch {
  float* windows;        // [vector of a window's row][column][row][lane]
  float* strip;          // a row of the tile where the tile reaches over the image's edge
  float *scale, *shift;  // of each element of a row, from channel 0 on (u8 only)
  int32_t* offset;       // [4 filters][live place of the tile]: of its window in `windows`, in floats
  float* gradient;       // the same for dy

  BackwardScratch(const Geometry& g, float* base)
      : windows(base),
        strip(windows + windows_floats(g)),
        scale(strip + strip_floats(g)),
        shift(scale + strip_floats(g)),
        offset(reinterpret_cast<int32_t*>(shift + strip_floats(g))),
        gradient(shift + strip_floats(g) + 4 * list_capacity(g)) {}
  static int64_t floats(const Geometry& g) {
    return windows_floats(g) + 3 * strip_floats(g) + 8 * list_capacity(g);
  }
  // Whole vectors are read from the strip and written to the lists: both have room for one more.
  static int64_t strip_floats(const Geometry& g) {
    return round_up((2 * g.tile_columns + g.S - 1) * g.C + g.segment() + kMaxLanes, 16);
  }
  static int64_t list_capacity(const Geometry& g) {
    return round_up(g.tile_rows * g.tile_columns + kMaxLanes, 16);
  }

 private:
  static int64_t windows_floats(const Geometry& g) {
    return 2 * g.tile_columns * g.window_rows() * g.segment();
  }
};

}  // namespace gabor::cpu::first_block
