// The tiles that the implicit GEMMs are built with, and which one serves how many columns (filters of a group in fprop,
// channels of a group in dgrad). Those have 128 rows, the index that grows with N H W.
#pragma once
#include "kernels/conv2d/tile_product.cuh"

namespace gabor::kernels::conv2d {

// rows x columns, threads across each. Fewer columns waste less of a tile, but give fewer products for each element read.
using Tile128x128 = TileConfig<128, 128, 16, 16>;
using Tile128x64 = TileConfig<128, 64, 16, 8>;
using Tile128x32 = TileConfig<128, 32, 16, 8>;
using Tile128x16 = TileConfig<128, 16, 32, 4>;

// Calls f with the narrowest tile that holds the columns, else the widest.
template <class F>
void with_tile(int64_t columns, F f) {
  if (columns <= Tile128x16::kTileColumns) return f(Tile128x16{});
  if (columns <= Tile128x32::kTileColumns) return f(Tile128x32{});
  if (columns <= Tile128x64::kTileColumns) return f(Tile128x64{});
  return f(Tile128x128{});
}

// wgrad: rows are filters of a group, columns R S C/groups and the bias gradient. Few columns are a first layer's.
template <class F>
void with_wgrad_tile(int64_t rows, int64_t columns, F f) {
  if (columns <= 32) {
    if (rows <= 16) return f(TileConfig<16, 32, 4, 8>{});
    if (rows <= 32) return f(TileConfig<32, 32, 8, 8>{});
    if (rows <= 64) return f(TileConfig<64, 32, 8, 8>{});
    return f(TileConfig<128, 32, 16, 8>{});
  }
  if (rows <= 16) return f(TileConfig<16, 128, 4, 32>{});
  if (rows <= 32) return f(TileConfig<32, 128, 8, 16>{});
  if (rows <= 64) return f(TileConfig<64, 128, 8, 16>{});
  return f(TileConfig<128, 128, 16, 16>{});
}

}  // namespace gabor::kernels::conv2d
