// Loaders of tile_product.cuh: each thread's part of the tiles of A and B, from tensors in device memory by way of
// registers. Two kinds:
//   along d   a row of the tile is contiguous in memory along d: a thread keeps its rows and its place in the step,
//             reads kVector neighbouring d at a time and stores them to as many lines of the tile
//   across    memory is contiguous across the rows: a thread reads kVector neighbouring rows of one d
// kVector is 1, or kQuad where the contiguous extent is a multiple of it and the tensor is aligned to it.
#pragma once
#include "kernels/conv2d/sweep.cuh"
#include "kernels/conv2d/tile_product.cuh"

namespace gabor::kernels::conv2d {

template <int kVector>
__device__ __forceinline__ void clear(float* v) {
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) v[i] = 0.0f;
}

// Who loads what of a tile of kRows rows, d contiguous.
template <int kRows, int kDepth, int kThreads, int kVector>
struct AlongDepth {
  static constexpr int kParts = kDepth / kVector;  // of a row
  static constexpr int kRowsAtOnce = kThreads / kParts;
  static constexpr int kPasses = (kRows + kRowsAtOnce - 1) / kRowsAtOnce;

  __device__ static int row(int pass) { return pass * kRowsAtOnce + int(threadIdx.x) / kParts; }
  __device__ static int depth() { return int(threadIdx.x) % kParts * kVector; }
  // Whether the pass has work for this thread; known at compile time unless the tile is smaller than the block.
  __device__ static bool works(int pass) { return kRows % kRowsAtOnce == 0 || row(pass) < kRows; }

  template <int kPitch>
  __device__ static void store(const float (&values)[kPasses][kVector], float* tile) {
    GABOR_UNROLL
    for (int pass = 0; pass < kPasses; ++pass)
      if (works(pass)) GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) tile[(depth() + i) * kPitch + row(pass)] = values[pass][i];
  }
};

// The same, rows contiguous. In one pass a thread has one d; its rows are the same in all passes.
template <int kRows, int kDepth, int kThreads, int kVector>
struct AcrossDepth {
  static constexpr int kParts = kRows / kVector;  // of a line
  static constexpr int kLinesAtOnce = kThreads > kParts ? kThreads / kParts : 1;
  static constexpr int kPasses = (kDepth + kLinesAtOnce - 1) / kLinesAtOnce;
  static_assert(kParts <= kThreads && kThreads % kParts == 0, "a pass covers whole lines");

  __device__ static int row() { return int(threadIdx.x) % kParts * kVector; }
  __device__ static int depth(int pass) { return pass * kLinesAtOnce + int(threadIdx.x) / kParts; }
  __device__ static bool works(int pass) { return kDepth % kLinesAtOnce == 0 || depth(pass) < kDepth; }

  template <int kPitch>
  __device__ static void store(const float (&values)[kPasses][kVector], float* tile) {
    GABOR_UNROLL
    for (int pass = 0; pass < kPasses; ++pass)
      if (works(pass)) {
        float* to = tile + depth(pass) * kPitch + row();
        if constexpr (kVector == kQuad) {
          store_floats(to, values[pass], kQuad, true);
        } else {
          *to = values[pass][0];
        }
      }
  }
};

// A of fprop and dgrad: row m is a position of the sweep, d an element r,s,c of its window.
template <class Config, class Element, int kVector>
class WindowRows {
  using Part = AlongDepth<Config::kTileRows, Config::kTileDepth, Config::kBlockThreads, kVector>;

 public:
  // image: of the group's first channel.
  __device__ WindowRows(const Sweep& sweep, const Element* image, int32_t first_row, int32_t rows,
                        int32_t depth)
      : sweep_(sweep), image_(image), depth_(depth) {
    GABOR_UNROLL
    for (int pass = 0; pass < Part::kPasses; ++pass) {
      const int32_t m = first_row + Part::row(pass);
      at_[pass] = m < rows ? sweep.place(m) : Sweep::nowhere();
    }
  }
  __device__ __forceinline__ void fetch(int32_t d0) {
    const int32_t d = d0 + Part::depth();
    const TapPlace tap = sweep_.tap(d, d < depth_);
    GABOR_UNROLL
    for (int pass = 0; pass < Part::kPasses; ++pass) {
      clear<kVector>(next_[pass]);
      if (sweep_.inside(at_[pass], tap))
        load_floats<kVector>(image_ + sweep_.offset(at_[pass], tap), next_[pass]);
    }
  }
  __device__ __forceinline__ void store(float* tile) const {
    Part::template store<Config::kRowPitch>(next_, tile);
  }

 private:
  const Sweep& sweep_;
  const Element* image_;
  int32_t depth_;
  WindowPlace at_[Part::kPasses];
  float next_[Part::kPasses][kVector];
};

// B of fprop: column k is a filter, d an element r,s,c of it.
template <class Config, class Element, int kVector>
class FilterColumns {
  using Part = AlongDepth<Config::kTileColumns, Config::kTileDepth, Config::kBlockThreads, kVector>;

 public:
  // w: of the group's first filter.
  __device__ FilterColumns(const Element* w, int32_t first_column, int32_t columns, int32_t depth)
      : w_(w), first_column_(first_column), columns_(columns), depth_(depth) {}
  __device__ __forceinline__ void fetch(int32_t d0) {
    const int32_t d = d0 + Part::depth();
    GABOR_UNROLL
    for (int pass = 0; pass < Part::kPasses; ++pass) {
      const int32_t k = first_column_ + Part::row(pass);
      clear<kVector>(next_[pass]);
      if (Part::works(pass) && k < columns_ && d < depth_)
        load_floats<kVector>(w_ + int64_t(k) * depth_ + d, next_[pass]);
    }
  }
  __device__ __forceinline__ void store(float* tile) const {
    Part::template store<Config::kColumnPitch>(next_, tile);
  }

 private:
  const Element* w_;
  int32_t first_column_, columns_, depth_;
  float next_[Part::kPasses][kVector];
};

}  // namespace gabor::kernels::conv2d
