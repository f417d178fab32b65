// Loaders of tensor_tile.cuh: each thread's part of the tiles of A and B, from tensors in device memory straight to shared
// memory. A thread copies pieces of kPiece neighbouring elements: a chunk of 16 bytes where the contiguous extent is a
// multiple of it and the tensor is aligned to it, else one element, each with an address of its own. Which element of a
// line a thread copies is the same in all lines and steps.
// The same operands as in loaders.cuh, implicit_dgrad.cuh and implicit_wgrad.cuh, in another order and without registers.
#pragma once
#include "kernels/conv2d/implicit_dgrad.cuh"
#include "kernels/conv2d/implicit_wgrad.cuh"
#include "kernels/conv2d/tensor_tile.cuh"

namespace gabor::kernels::conv2d::tensor {

// Elements of a piece.
template <class Element, bool kChunks>
constexpr int kPieceOf = kChunks ? 16 / int(sizeof(Element)) : 1;

// Who copies what of a Tile.
template <class Config, class Tile, int kPiece>
struct Share {
  static constexpr int kLinePieces = Tile::kLength / kPiece;
  static constexpr int kLinesAtOnce = Config::kBlockThreads / kLinePieces;
  static_assert(Config::kBlockThreads % kLinePieces == 0 && Tile::kLength % kPiece == 0);

  __device__ static int element() { return int(threadIdx.x) % kLinePieces * kPiece; }
  // Calls copy(line) for each line of which this thread has a piece.
  template <class Copy>
  __device__ static __forceinline__ void for_each_line(Copy copy) {
    constexpr int kPasses = simt::ceil_div(Tile::kLines, kLinesAtOnce);
    const int first = int(threadIdx.x) / kLinePieces;
    // Several at once cost registers, and hide latency only where copies are not asynchronous.
    [[maybe_unused]] constexpr int kAtOnce = kPiece * Tile::kSize < 4 ? 4 : 1;
#pragma unroll kAtOnce
    for (int pass = 0; pass < kPasses; ++pass) {
      const int line = pass * kLinesAtOnce + first;
      if (Tile::kLines % kLinesAtOnce == 0 || line < Tile::kLines) copy(line);
    }
  }
};

// kPiece elements from base + offset to shared memory, or zeros if not inside. A piece of 16 bits is too small for cp.async.
template <int kPiece, class Element>
__device__ __forceinline__ void copy_piece(Element* to, const Element* base, int64_t offset, bool inside) {
  constexpr int kBytes = kPiece * int(sizeof(Element));
  if constexpr (kBytes >= 4) {
    simt::cp_async<kBytes>(to, base + (inside ? offset : 0), inside ? kBytes : 0);
  } else {
    *to = inside ? base[offset] : simt::from_float<Element>(0.0f);
  }
}

// A of fprop and dgrad: row m is a position of the sweep, d an element r,s,c of its window.
template <class Config, class Element, int kPiece>
class WindowRows {
 public:
  using Tile = TensorTile<Config, Element, Config::kTileRows, true>;
  static constexpr int kPlacesBytes = Config::kTileRows * int(sizeof(WindowPlace));

  // image: of the group's first channel. places: shared memory, a place a row, which all threads fill together.
  __device__ WindowRows(const Sweep& sweep, const Element* image, int32_t first_row, int32_t rows,
                        int32_t depth, WindowPlace* places)
      : sweep_(sweep), image_(image), depth_(depth), places_(places) {
    for (int i = int(threadIdx.x); i < Config::kTileRows; i += Config::kBlockThreads)
      simt::store(places + i, first_row + i < rows ? sweep.place(first_row + i) : Sweep::nowhere());
    __syncthreads();
  }
  __device__ __forceinline__ void fill(Element* tile, int32_t d0) const {
    using Part = Share<Config, Tile, kPiece>;
    const int32_t d = d0 + Part::element();
    const TapPlace tap = sweep_.tap(d, d < depth_);
    Part::for_each_line([&](int line) {
      const WindowPlace at = places_[line];
      copy_piece<kPiece>(tile + Tile::offset(line, Part::element()), image_, sweep_.offset(at, tap),
                         sweep_.inside(at, tap));
    });
  }

 private:
  const Sweep& sweep_;
  const Element* image_;
  int32_t depth_;
  const WindowPlace* places_;
};

// B of fprop: column k is a filter, d an element r,s,c of it.
template <class Config, class Element, int kPiece>
class FilterColumns {
 public:
  using Tile = TensorTile<Config, Element, Config::kTileColumns, true>;

  // w: of the group's first filter.
  __device__ FilterColumns(const Element* w, int32_t first_column, int32_t columns, int32_t depth)
      : w_(w), first_column_(first_column), columns_(columns), depth_(depth) {}
  __device__ __forceinline__ void fill(Element* tile, int32_t d0) const {
    using Part = Share<Config, Tile, kPiece>;
    const int32_t d = d0 + Part::element();
    Part::for_each_line([&](int line) {
      const int32_t k = first_column_ + line;
      copy_piece<kPiece>(tile + Tile::offset(line, Part::element()), w_, int64_t(k) * depth_ + d,
                         k < columns_ && d < depth_);
    });
  }

 private:
  const Element* w_;
  int32_t first_column_, columns_, depth_;
};

// B of dgrad: column c is an input channel, d an element r,s,k of the class.
template <class Config, class Element, int kPiece>
class ChannelColumns {
 public:
  using Tile = TensorTile<Config, Element, Config::kTileColumns, false>;

  // w: of the group's first filter.
  __device__ ChannelColumns(const DgradParams& a, const Element* w, int32_t first_column)
      : a_(a), w_(w), first_column_(first_column) {}
  __device__ __forceinline__ void fill(Element* tile, int32_t d0) const {
    using Part = Share<Config, Tile, kPiece>;
    const int32_t c = first_column_ + Part::element();
    Part::for_each_line([&](int line) {
      const int32_t d = d0 + line;
      copy_piece<kPiece>(tile + Tile::offset(line, Part::element()), w_, a_.filter_offset(d) + c,
                         c < a_.columns && d < a_.depth);
    });
  }

 private:
  const DgradParams& a_;
  const Element* w_;
  int32_t first_column_;
};

// A of wgrad: row k is a filter, d a position m: an element of dy.
template <class Config, class Element, int kPiece>
class GradientRows {
 public:
  using Tile = TensorTile<Config, Element, Config::kTileRows, false>;

  // dy: of the group's first filter. Positions from `end` on are not of the slice.
  __device__ GradientRows(const WgradParams& a, const Element* dy, int32_t first_row, int32_t end)
      : a_(a), dy_(dy), first_row_(first_row), end_(end) {}
  __device__ __forceinline__ void fill(Element* tile, int32_t m0) const {
    using Part = Share<Config, Tile, kPiece>;
    const int32_t k = first_row_ + Part::element();
    Part::for_each_line([&](int line) {
      const int32_t m = m0 + line;
      copy_piece<kPiece>(tile + Tile::offset(line, Part::element()), dy_, int64_t(m) * a_.K + k,
                         k < a_.rows && m < end_);
    });
  }

 private:
  const WgradParams& a_;
  const Element* dy_;
  int32_t first_row_, end_;
};

// B of wgrad: column j is an element r,s,c of the window, d a position m; column `taps` is 1.
template <class Config, class Element, int kPiece>
class WindowColumns {
  using Part = Share<Config, TensorTile<Config, Element, Config::kTileColumns, false>, kPiece>;

 public:
  using Tile = TensorTile<Config, Element, Config::kTileColumns, false>;

  // x: of the group's first channel.
  __device__ WindowColumns(const WgradParams& a, const Element* x, int32_t first_column, int32_t end)
      : sweep_(a.sweep),
        x_(x),
        end_(end),
        ones_(first_column + Part::element() == a.taps && a.columns > a.taps),
        tap_(a.sweep.tap(first_column + Part::element(), first_column + Part::element() < a.taps)) {}
  __device__ __forceinline__ void fill(Element* tile, int32_t m0) const {
    Part::for_each_line([&](int line) {
      const int32_t m = m0 + line;
      Element* const to = tile + Tile::offset(line, Part::element());
      if (ones_) {
        for (int i = 0; i < kPiece; ++i) to[i] = simt::from_float<Element>(i == 0 && m < end_ ? 1.0f : 0.0f);
        return;
      }
      const WindowPlace at = m < end_ ? sweep_.place(m) : Sweep::nowhere();
      copy_piece<kPiece>(to, x_, sweep_.offset(at, tap_), sweep_.inside(at, tap_));
    });
  }

 private:
  const Sweep& sweep_;
  const Element* x_;
  int32_t end_;
  bool ones_;
  TapPlace tap_;
};

}  // namespace gabor::kernels::conv2d::tensor
