// The heart of the implicit GEMMs on tensor cores: a block's tile of C[row][column] = sum over d of A[row][d] B[d][column]
// by mma.sync. A and B exist nowhere in memory: loaders (tensor_loaders.cuh) copy their tiles from the tensors of the
// convolution. sm_80 and newer.
//
// A block owns kTileRows x kTileColumns of C, a warp kWarpRows x kWarpColumns of those as pieces of 16 x 8, a lane 4
// elements of each piece (simt/cuda/tensor_core.h). d advances by 64 bytes a step: 32 elements of 16 bits (m16n8k16) or 16
// of f32, rounded to TF32 (m16n8k8). In bytes the fragments of both are the same. Tiles of kStages steps are in shared
// memory, in the order that they have in global memory, so that copies need no registers: cp.async brings a tile two steps
// before it is multiplied.
#pragma once
#include "kernels/common/multiply_add.cuh"
#include "kernels/common/quad.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels::conv2d::tensor {

template <int kRows, int kColumns, int kRowsOfWarp, int kColumnsOfWarp>
struct TensorConfig {
  static constexpr int kTileRows = kRows, kTileColumns = kColumns, kStepBytes = 64, kStages = 3;
  static constexpr int kWarpRows = kRowsOfWarp, kWarpColumns = kColumnsOfWarp;
  static constexpr int kWarpsAcross = kTileColumns / kWarpColumns;
  static constexpr int kWarps = kTileRows / kWarpRows * kWarpsAcross, kBlockThreads = 32 * kWarps;
  static constexpr int kPieceRows = kWarpRows / 16, kPieceColumns = kWarpColumns / 8;
  // A warp's results on their way out: 16 rows, 8 floats apart beyond their length, so that the rows of a fragment's
  // pairs lie in different banks.
  static constexpr int kOutPitch = kWarpColumns + 8, kOutFloats = 16 * kOutPitch;
  // At 128 registers a thread. The sums take 64 at most.
  static constexpr int kBlocks = 65536 / (128 * kBlockThreads), kBlocksAtOnce = kBlocks < 8 ? kBlocks : 8;

  static_assert(kTileRows % kWarpRows == 0 && kTileColumns % kWarpColumns == 0 && kBlockThreads <= 1024);
  static_assert(kWarpRows % 16 == 0 && kWarpColumns % 16 == 0, "fragments are loaded for 16 rows or columns");
  static_assert(kPieceRows * kPieceColumns * 4 <= 64, "sums and operands have to fit in 128 registers");
  static_assert(kWarps * kOutFloats * 4 <= kStages * (kTileRows + kTileColumns) * kStepBytes,
                "results leave through the memory of the stages");
};

// One step's tile of A (kExtent rows) or B (kExtent columns) in shared memory: kLines lines of kLength elements, a line
// along d (kAlong), or across it. For ldmatrix, chunks of 16 bytes are permuted within each line (a swizzle), so that the 8
// chunks that one phase of it reads, one of each of 8 lines, lie in different parts of the 128 bytes that all banks span.
// ldmatrix transposes elements of 16 bits only: TF32 across d is read word by word, 8 of each of 4 lines, and kPad floats
// between the lines put those in different banks.
template <class Config, class Element, int kExtent, bool kAlong>
struct TensorTile {
  static constexpr int kSize = int(sizeof(Element)), kChunk = 16 / kSize;  // elements
  static constexpr int kDepth = Config::kStepBytes / kSize, kMmaDepth = 32 / kSize;
  static constexpr int kLines = kAlong ? kExtent : kDepth, kLength = kAlong ? kDepth : kExtent;
  static constexpr int kPad = kSize == 4 && !kAlong ? 8 : 0, kPitch = kLength + kPad;
  static constexpr int kElements = kLines * kPitch, kBytes = kElements * kSize;
  static constexpr int kLineChunks = kLength / kChunk, kMixed = kLineChunks < 8 ? kLineChunks : 8;
  static_assert(kLineChunks % kMixed == 0 && 8 % kMixed == 0, "the swizzle stays within the line");

  // Where element `element` of the line is, in elements from the start of the tile.
  __host__ __device__ static constexpr unsigned offset(unsigned line, unsigned element) {
    constexpr int kLinesOfAllBanks = 8 / kMixed;
    const int swizzle = kPad > 0 ? 0 : line / kLinesOfAllBanks % kMixed;
    return line * kPitch + (element / kChunk ^ swizzle) * kChunk + element % kChunk;
  }

  // Fragments of 16 rows or columns (from `at`) by kMmaDepth of d (from `d`) in the order of mma's A: the lower d of 0..7
  // and 8..15, then the upper. As B the same registers are {r[0], r[2]} and {r[1], r[3]}.
  __device__ static void fragment(uint32_t (&r)[4], const Element* tile, unsigned at, unsigned d) {
    words(r, tile, at, d);
    if constexpr (kSize == 4)
      for (int i = 0; i < 4; ++i) r[i] = simt::to_tf32(__uint_as_float(r[i]));
  }

 private:
  // 32 bytes of d, as they are.
  __device__ static void words(uint32_t (&r)[4], const Element* tile, unsigned at, unsigned d) {
    const unsigned lane = threadIdx.x % 32;
    if constexpr (kAlong) {
      simt::ldmatrix_x4(r, tile + offset(at + lane % 16, d + lane / 16 * kChunk));
    } else if constexpr (kSize == 2) {
      simt::ldmatrix_x4_trans(r, tile + offset(d + lane / 16 * 8 + lane % 8, at + lane / 8 % 2 * 8));
    } else {
      // Lines are not mixed here: offset(line, element) is line * kPitch + element.
      const float* corner = tile + offset(d + lane % 4, at + lane / 4);
      for (int i = 0; i < 4; ++i) r[i] = __float_as_uint(corner[i / 2 * 4 * kPitch + i % 2 * 8]);
    }
  }
};

template <class Config>
using WarpSums = float[Config::kPieceRows][Config::kPieceColumns][4];

// Of the stages, in bytes.
template <class Config, class LoadA, class LoadB>
constexpr int kStagesBytes = Config::kStages*(LoadA::Tile::kBytes + LoadB::Tile::kBytes);

// sum += the products of d_begin <= d < d_end, of none if they are equal. A loader has
//   Tile                                  its TensorTile
//   void fill(Element* tile, int32_t d0)  copies its thread's part of the tile d0 .. d0 + kDepth - 1, by cp.async (not
//                                         committed) or plain stores; zeros where A (or B) is not defined
// stages: kStagesBytes of shared memory. All threads of the block call it.
template <class Config, class Element, class LoadA, class LoadB>
__device__ __forceinline__ void tensor_product(const LoadA& load_a, const LoadB& load_b, Element* stages,
                                               int32_t d_begin, int32_t d_end, WarpSums<Config>& sum) {
  using ATile = typename LoadA::Tile;
  using BTile = typename LoadB::Tile;
  constexpr int kStages = Config::kStages, kDepth = ATile::kDepth;
  // Where fragments are read word by word, those of two mma at once take more than 128 registers.
  [[maybe_unused]] constexpr int kUnrolledMmas = ATile::kPad > 0 ? 1 : kDepth / ATile::kMmaDepth;
  Element* const a_tiles = stages;
  Element* const b_tiles = stages + kStages * ATile::kElements;
  const unsigned warp = threadIdx.x / 32;
  const unsigned warp_row = warp / Config::kWarpsAcross * Config::kWarpRows,
                 warp_column = warp % Config::kWarpsAcross * Config::kWarpColumns;
  const int32_t steps = simt::ceil_div<int32_t>(d_end - d_begin, kDepth);

  // One group of copies a call, an empty one past the end: so waits count alike.
  const auto fill = [&](int32_t step) {
    if (step < steps) {
      load_a.fill(a_tiles + step % kStages * ATile::kElements, d_begin + step * kDepth);
      load_b.fill(b_tiles + step % kStages * BTile::kElements, d_begin + step * kDepth);
    }
    simt::cp_async_commit();
  };
  for (int32_t step = 0; step < kStages - 1; ++step) fill(step);

  for (int32_t step = 0; step < steps; ++step) {
    simt::cp_async_wait<kStages - 2>();
    __syncthreads();
    fill(step + kStages - 1);  // into the stage that all had read before that barrier
    const Element* a_tile = a_tiles + step % kStages * ATile::kElements;
    const Element* b_tile = b_tiles + step % kStages * BTile::kElements;
#pragma unroll kUnrolledMmas
    for (int d = 0; d < kDepth; d += ATile::kMmaDepth) {
      uint32_t a[Config::kPieceRows][4];
      GABOR_UNROLL
      for (int i = 0; i < Config::kPieceRows; ++i) ATile::fragment(a[i], a_tile, warp_row + 16 * i, d);
      GABOR_UNROLL
      for (int j = 0; j < Config::kPieceColumns; j += 2) {
        uint32_t b[4];
        BTile::fragment(b, b_tile, warp_column + 8 * j, d);
        const uint32_t left[2] = {b[0], b[2]}, right[2] = {b[1], b[3]};
        GABOR_UNROLL
        for (int i = 0; i < Config::kPieceRows; ++i) {
          multiply_add<Element>(sum[i][j], a[i], left);
          multiply_add<Element>(sum[i][j + 1], a[i], right);
        }
      }
    }
  }
}

// Calls write(row, column, quad) for each quad of neighbouring columns of the block's tile. Lanes hold pairs, 8 rows
// apart; by way of shared memory (out: that of the stages) neighbouring lanes get neighbouring quads, whose stores meet in
// whole sectors. The loops stay loops: write is long. Registers cannot be indexed, so the sums move up by one piece each
// time round. All threads of the block call it.
template <class Config, class Write>
__device__ __forceinline__ void for_each_quad(WarpSums<Config>& sum, float* out, Write write) {
  constexpr int kRowQuads = Config::kWarpColumns / kQuad, kPitch = Config::kOutPitch;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int warp_row = warp / Config::kWarpsAcross * Config::kWarpRows,
            warp_column = warp % Config::kWarpsAcross * Config::kWarpColumns;
  out += warp * Config::kOutFloats;
  __syncthreads();  // all have read the last stage
#pragma unroll 1
  for (int i = 0; i < Config::kPieceRows; ++i) {
    GABOR_UNROLL
    for (int j = 0; j < Config::kPieceColumns; ++j) {
      float* to = out + lane / 4 * kPitch + 8 * j + lane % 4 * 2;
      simt::store(to, make_float2(sum[0][j][0], sum[0][j][1]));
      simt::store(to + 8 * kPitch, make_float2(sum[0][j][2], sum[0][j][3]));
    }
    __syncwarp();
#pragma unroll 1
    for (int at = lane; at < 16 * kRowQuads; at += 32) {
      const int row = at / kRowQuads, column = at % kRowQuads * kQuad;
      float quad[kQuad];
      load_floats<kQuad>(out + row * kPitch + column, quad);
      write(warp_row + 16 * i + row, warp_column + column, quad);
    }
    __syncwarp();
    GABOR_UNROLL
    for (int below = 1; below < Config::kPieceRows; ++below) GABOR_UNROLL
    for (int j = 0; j < Config::kPieceColumns; ++j) GABOR_UNROLL
    for (int e = 0; e < 4; ++e) sum[below - 1][j][e] = sum[below][j][e];
  }
}

}  // namespace gabor::kernels::conv2d::tensor
