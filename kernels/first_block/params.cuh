// What the rungs of the fused first block share: the geometry, the image as the convolution sees it, and the winner of
// a pooling window with its code in the arg-max (first_block.h).
#pragma once
#include "core/problem/first_block.h"
#include "kernels/common/fast_divide.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels::first_block {

// Choices and not an index, for which the compiler would copy the arrays to local memory.
__device__ inline float of_channel(const float (&v)[4], int32_t c) {
  return c < 2 ? (c == 0 ? v[0] : v[1]) : (c == 2 ? v[2] : v[3]);
}

struct Params {
  int64_t N;
  int32_t H, W, C, K, R, S;
  int32_t full_P, full_Q;  // of the map that is pooled
  int32_t P, Q;            // pooled; if rounded up, the last windows' second row or column lies outside
  int32_t pad_top, pad_left, stride_h, stride_w, dil_h, dil_w;
  bool bytes;                // the image is uint8_t, else float
  float scale[4], shift[4];  // of bytes
  FastDivide channels;       // by C

  explicit Params(const FirstBlockProblem& p)
      : N(p.conv.N),
        H(int32_t(p.conv.H)),
        W(int32_t(p.conv.W)),
        C(int32_t(p.conv.C)),
        K(int32_t(p.conv.K)),
        R(int32_t(p.conv.R)),
        S(int32_t(p.conv.S)),
        full_P(int32_t(p.conv.P())),
        full_Q(int32_t(p.conv.Q())),
        P(int32_t(p.pool.P())),
        Q(int32_t(p.pool.Q())),
        pad_top(int32_t(p.conv.pad.top)),
        pad_left(int32_t(p.conv.pad.left)),
        stride_h(int32_t(p.conv.stride_h)),
        stride_w(int32_t(p.conv.stride_w)),
        dil_h(int32_t(p.conv.dil_h)),
        dil_w(int32_t(p.conv.dil_w)),
        bytes(p.input == DType::u8),
        channels(int32_t(p.conv.C)) {
    for (size_t c = 0; c < 4; ++c) scale[c] = p.normalize.scale[c], shift[c] = p.normalize.shift[c];
  }

  __host__ __device__ int32_t taps() const { return R * S * C; }
  __host__ __device__ int32_t filter_pairs() const { return (K + 1) / 2; }  // bytes of arg-max a pooled pixel

  // What the convolution sees of an element of channel c.
  __device__ float normalized(uint8_t v, int32_t c) const {
    return fmaf(float(v), of_channel(scale, c), of_channel(shift, c));
  }
  __device__ float normalized(float v, int32_t) const { return v; }
  // Element `at` of x, which belongs to channel c.
  __device__ float pixel(const void* x, int64_t at, int32_t c) const {
    return bytes ? normalized(static_cast<const uint8_t*>(x)[at], c) : static_cast<const float*>(x)[at];
  }
};

// The largest of a window so far, and where: 2 row + column.
struct Winner {
  float value;
  int32_t place;

  // Called in order of places: the first of equals stays, and so does a NaN, which beats all numbers.
  __device__ void challenge(float v, int32_t at) {
    const bool is_number = value == value;
    if (is_number && !(v <= value)) value = v, place = at;
  }
  __device__ float relu() const { return value <= 0.0f ? 0.0f : value; }
  __device__ uint32_t code() const { return value <= 0.0f ? 0u : uint32_t(place) | 4u; }
};

struct Code {
  bool alive;
  int32_t row, column;  // of the winner in its window
};

// Of filter k at a pooled pixel, a position of N,P,Q.
__device__ inline Code code_at(const Params& g, const uint8_t* argmax, int64_t pixel, int32_t k) {
  const uint32_t code = uint32_t(argmax[pixel * g.filter_pairs() + k / 2]) >> (k % 2 * 4);
  return {(code & 4) != 0, int32_t(code >> 1 & 1), int32_t(code & 1)};
}

// A tile of an image in shared memory: rows from h, columns from w, which may lie outside, where the image is 0.
struct ImageTile {
  int32_t h, w, rows, columns;
  int32_t row_pitch;  // floats
};

// Fills a tile from an image, normalised; place(column, c) is where an element of the tile's first row goes. A warp
// takes a row, so that its reads are neighbours; what depends on the column alone is worked out once for all rows.
template <int kWarps, class Pixel, class Place>
__device__ void fill_tile(const Params& g, const Pixel* image, const ImageTile& tile, Place place) {
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  for (int32_t i = lane; i < tile.columns * g.C; i += 32) {
    int32_t c = i;
    const int32_t column = g.channels.split(c);
    const bool inside = uint32_t(tile.w + column) < uint32_t(g.W);
    const int32_t in_row = tile.w * g.C + i;
    float* to = place(column, c);
    for (int32_t row = warp; row < tile.rows; row += kWarps) {
      float v = 0.0f;
      if (inside && uint32_t(tile.h + row) < uint32_t(g.H))
        v = g.normalized(image[(tile.h + row) * g.W * g.C + in_row], c);
      to[row * tile.row_pitch] = v;
    }
  }
}
template <int kWarps, class Place>
__device__ void fill_tile(const Params& g, const void* x, int32_t n, const ImageTile& tile, Place place) {
  const int64_t first = int64_t{n} * g.H * g.W * g.C;
  if (g.bytes) {
    fill_tile<kWarps>(g, static_cast<const uint8_t*>(x) + first, tile, place);
  } else {
    fill_tile<kWarps>(g, static_cast<const float*>(x) + first, tile, place);
  }
}

}  // namespace gabor::kernels::first_block
