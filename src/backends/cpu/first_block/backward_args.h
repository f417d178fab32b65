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
  float* partials;  // [chunk][partial_floats]
};

// A thread's scratch; each piece is aligned to 64 bytes.
struct BackwardScratch {
  float* windows;        // [vector of a window's row][column][row][lane]
  float* rows;           // [window_rows][row_floats]: normalised input of a band of tiles, padding included
  float *scale, *shift;  // of each element of a row (u8 only)
  float* quads;          // [group][row of the band][q][4]: dy of a band of tiles, transposed by fours
  int32_t* offset;       // [4 filters][live place of the tile]: of its window in `windows`, in floats
  float* gradient;       // the same for dy

  BackwardScratch(const Geometry& g, float* base)
      : windows(base),
        rows(windows + windows_floats(g)),
        scale(rows + g.window_rows() * row_floats(g)),
        shift(scale + row_floats(g)),
        quads(shift + row_floats(g)),
        offset(reinterpret_cast<int32_t*>(quads + g.groups() * g.tile_rows * quad_row(g))),
        gradient(quads + g.groups() * g.tile_rows * quad_row(g) + 4 * list_capacity(g)) {}
  static int64_t floats(const Geometry& g) {
    return windows_floats(g) + (g.window_rows() + 2) * row_floats(g) +
           g.groups() * g.tile_rows * quad_row(g) + 8 * list_capacity(g);
  }
  // Whole vectors are read and written, so that each piece has room for one more.
  static int64_t row_floats(const Geometry& g) {
    return round_up((2 * g.Q + g.S - 1) * g.C + g.segment() + kMaxLanes, 16);
  }
  static int64_t quad_row(const Geometry& g) { return 4 * round_up(g.Q + kMaxLanes, 4); }
  static int64_t list_capacity(const Geometry& g) {
    return round_up(g.tile_rows * g.tile_columns + kMaxLanes, 16);
  }

 private:
  static int64_t windows_floats(const Geometry& g) {
    return 2 * g.tile_columns * g.window_rows() * g.segment();
  }
};

}  // namespace gabor::cpu::first_block
