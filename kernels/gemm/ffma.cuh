// D[m,n] = sum over k of A[m,k] B[k,n] in plain FFMA: for f32, and for 16-bit storage on cards without (useful)
// tensor cores.
//
// Tensors:  gemm.h. kVector wants A and B in rows of whole quads (4 elements), aligned to a quad.
// Owns:     a block kTileM x kTileN of D and, when k is split, one part of k (blockIdx.z). A warp 4 x 8 threads, so
//           that a step reads 4 + 8 quads of shared memory for 32 micro-tiles. A thread kMicroM x kMicroN of D, in
//           4 x 4 pieces that lie kTile / (kMicro / 4) apart: its reads are float4 and free of bank conflicts.
// Memory:   two stages of [kTileK][kTileM + 4] and [kTileK][kTileN + 4] floats, k-major whatever the layout of A
//           and B: 17 KB (64 x 64 x 16), 16.5 KB (128 x 128 x 8). Registers: kMicroM kMicroN sums, one row and one
//           column of operands, and the next tile on its way from global memory.
// Cost:     2 M N K FLOP. A tile reads (kTileM + kTileN) elements for kTileM kTileN FFMA: 16 (64) or 32 (128)
//           FLOP a byte of L2 in f32; DRAM sees each operand about once. FFMA-bound from K, N of a few hundred: on
//           an H200 (4.3 TB/s, 67 TFLOP/s) above 16 FLOP a byte of DRAM, on a GTX 1660 Ti (288 GB/s, 5.4) above 19.
//           8 x 8 micro-tiles load 16 floats of shared memory for 64 FFMA; 4 x 4 ones 8 for 16, which is why 128
//           is preferred wherever there are blocks enough. db costs the blocks of the first column of tiles a second
//           read of their part of dy, from L2, when their tile is done.
// Backward: ffma_backward has the blocks of dgrad and of wgrad in one grid: a small layer fills a GPU with neither. With
//           ThroughRelu, y is read wherever dy is.
// Rung:     the second. Its idea: reuse from registers and shared memory, with the next tile's loads in flight.
#pragma once
#include "kernels/gemm/params.cuh"

namespace gabor::gemm {

template <int kTile, int kTileK_, int kMicro>
struct FfmaConfig {
  static constexpr int kTileM = kTile, kTileN = kTile, kTileK = kTileK_;
  static constexpr int kMicroM = kMicro, kMicroN = kMicro;
  static constexpr int kPiecesM = kMicroM / 4, kPiecesN = kMicroN / 4;
  static constexpr int kPieceM = kTileM / kPiecesM,
                       kPieceN = kTileN / kPiecesN;  // from one piece to the next
  static constexpr int kThreadsM = kTileM / kMicroM, kThreadsN = kTileN / kMicroN;
  static constexpr int kThreads = kThreadsM * kThreadsN;
  // Steps of k in a row. Of all, only the host compilers' time would grow; four of 8 x 8 are more than 128 registers.
  static constexpr int kUnrolled = kMicro > 4 ? 2 : 4;
  static_assert(kMicro % 4 == 0 && kTile % kMicro == 0 && kTileK % 4 == 0);
  static_assert(kThreadsM % 4 == 0 && kThreadsN % 8 == 0, "warps are 4 x 8 threads");
  static_assert(kTile * kTileK % (4 * kThreads) == 0, "each thread loads whole quads");
};
using Ffma64 = FfmaConfig<64, 16, 4>;
using Ffma128 = FfmaConfig<128, 8, 8>;

// A tile of one operand: kExtent of m or n by kTileK of k, on its way from global to shared memory.
template <int kExtent, class Config, bool kRowsAlongK, bool kVector, class Element>
struct FfmaLoader {
  static constexpr int kQuads = kExtent * Config::kTileK / (4 * Config::kThreads);
  static constexpr int kRow = (kRowsAlongK ? Config::kTileK : kExtent) / 4;  // quads of a row in memory
  using Tile = float[Config::kTileK][kExtent + 4];
  float quad[kQuads][4];

  // source: the operand, stride its elements a row. The tile starts at `first` (m or n) and k; beyond `extent` and
  // k_end there are zeros.
  // kMasked: what is loaded is multiplied by ReLU's derivative at y, which lies as source does.
  template <bool kMasked = false>
  __device__ void load(const Element* source, int64_t stride, int first, int extent, int k, int k_end,
                       const Element* y = nullptr) {
    GABOR_UNROLL
    for (int i = 0; i < kQuads; ++i) {
      const int at = int(threadIdx.x) + i * Config::kThreads, row = at / kRow, column = at % kRow * 4;
      const int r = (kRowsAlongK ? first : k) + row, c = (kRowsAlongK ? k : first) + column;
      const bool inside = r < (kRowsAlongK ? extent : k_end);
      const int count = inside ? (kRowsAlongK ? k_end : extent) - c : 0;
      load_quad<kVector>(quad[i], source + r * stride + c, count);
      if constexpr (kMasked) {
        float at[4];
        load_quad<kVector>(at, y + r * stride + c, count);
        for (int j = 0; j < 4; ++j) quad[i][j] *= relu_slope(at[j]);
      }
    }
  }
  __device__ void store(Tile& tile) const {
    GABOR_UNROLL
    for (int i = 0; i < kQuads; ++i) {
      const int at = int(threadIdx.x) + i * Config::kThreads, row = at / kRow, column = at % kRow * 4;
      if constexpr (kRowsAlongK) {
        for (int j = 0; j < 4; ++j) tile[column + j][row] = quad[i][j];
      } else {
        simt::store(&tile[row][column], make_float4(quad[i][0], quad[i][1], quad[i][2], quad[i][3]));
      }
    }
  }
};

template <int kPieces, int kStep>
__device__ inline void read_pieces(float (&to)[4 * kPieces], const float* from) {
  GABOR_UNROLL
  for (int i = 0; i < kPieces; ++i) {
    const auto quad = simt::load<float4>(from + i * kStep);
    to[4 * i] = quad.x, to[4 * i + 1] = quad.y, to[4 * i + 2] = quad.z, to[4 * i + 3] = quad.w;
  }
}

template <class Config>
struct FfmaTiles {
  float (&a)[2][Config::kTileK][Config::kTileM + 4];
  float (&b)[2][Config::kTileK][Config::kTileN + 4];
};

// What a block does.
template <class Config, bool kVector, class P>
__device__ inline void ffma_block(const P& p, const Share& share, const FfmaTiles<Config>& tiles) {
  constexpr int kMicroM = Config::kMicroM, kMicroN = Config::kMicroN;
  [[maybe_unused]] constexpr int kUnrolled = Config::kUnrolled;
  using ALoader = FfmaLoader<Config::kTileM, Config, a_rows_along_k(P::kPass), kVector, typename P::Element>;
  using BLoader = FfmaLoader<Config::kTileN, Config, b_rows_along_k(P::kPass), kVector, typename P::Element>;
  auto& a_tile = tiles.a;
  auto& b_tile = tiles.b;

  const int tiles_n = simt::ceil_div(p.N, Config::kTileN);
  const int m0 = share.tile / tiles_n * Config::kTileM, n0 = share.tile % tiles_n * Config::kTileN;
  const int k_begin = first_k(p, share.part), k_end = end_k(p, share.part);
  const int64_t a_stride = a_rows_along_k(P::kPass) ? p.K : p.M,
                b_stride = b_rows_along_k(P::kPass) ? p.K : p.N;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  constexpr int kWarpsN = Config::kThreadsN / 8;
  const int at_m = (warp / kWarpsN * 4 + lane / 8) * 4, at_n = (warp % kWarpsN * 8 + lane % 8) * 4;

  ALoader a_loader;
  BLoader b_loader;
  const auto load_a = [&](int k) {
    if constexpr (P::kThroughRelu) {
      a_loader.template load<true>(p.a, a_stride, m0, p.M, k, k_end, p.y);
    } else {
      a_loader.load(p.a, a_stride, m0, p.M, k, k_end);
    }
  };
  load_a(k_begin);
  b_loader.load(p.b, b_stride, n0, p.N, k_begin, k_end);
  a_loader.store(a_tile[0]);
  b_loader.store(b_tile[0]);
  __syncthreads();

  float sum[kMicroM][kMicroN] = {};
  int stage = 0;
  for (int k0 = k_begin; k0 < k_end; k0 += Config::kTileK, stage ^= 1) {
    const int next = k0 + Config::kTileK;
    if (next < k_end) {
      load_a(next);
      b_loader.load(p.b, b_stride, n0, p.N, next, k_end);
    }
#pragma unroll kUnrolled
    for (int k = 0; k < Config::kTileK; ++k) {
      float a[kMicroM], b[kMicroN];
      read_pieces<Config::kPiecesM, Config::kPieceM>(a, &a_tile[stage][k][at_m]);
      read_pieces<Config::kPiecesN, Config::kPieceN>(b, &b_tile[stage][k][at_n]);
      GABOR_UNROLL
      for (int i = 0; i < kMicroM; ++i) GABOR_UNROLL
      for (int j = 0; j < kMicroN; ++j) sum[i][j] += a[i] * b[j];
    }
    if (next < k_end) {  // the other stage was last read before the barrier that ended the previous step
      a_loader.store(a_tile[stage ^ 1]);
      b_loader.store(b_tile[stage ^ 1]);
    }
    __syncthreads();
  }

  float* const partial = sums_of(p, share.part);
  GABOR_UNROLL
  for (int i = 0; i < kMicroM; ++i) GABOR_UNROLL
  for (int j = 0; j < kMicroN; j += 2)
    put_pair(p, partial, m0 + i / 4 * Config::kPieceM + at_m + i % 4,
             n0 + j / 4 * Config::kPieceN + at_n + j % 4, sum[i][j], sum[i][j + 1]);
  finish_tile<Config::kThreads, Config::kTileM, Config::kTileN>(p, share, m0, n0);
}

template <class Config, bool kVector, class P>
__global__ __launch_bounds__(Config::kThreads) void ffma_gemm(P p) {
  SHARED_ALIGNED(16, float, a_tile, [2][Config::kTileK][Config::kTileM + 4]);
  SHARED_ALIGNED(16, float, b_tile, [2][Config::kTileK][Config::kTileN + 4]);
  ffma_block<Config, kVector>(p, {int(blockIdx.x), int(blockIdx.z)}, {a_tile, b_tile});
}

// Both gradients of a layer, which read the same dy: the first `dx_blocks` blocks make dx, the others dw and db.
template <class Config, bool kVector, class Dgrad, class Wgrad>
__global__ __launch_bounds__(Config::kThreads, 3) void ffma_backward(Dgrad dx, Wgrad dw, int dx_blocks) {
  SHARED_ALIGNED(16, float, a_tile, [2][Config::kTileK][Config::kTileM + 4]);
  SHARED_ALIGNED(16, float, b_tile, [2][Config::kTileK][Config::kTileN + 4]);
  const FfmaTiles<Config> tiles{a_tile, b_tile};
  const int block = int(blockIdx.x);
  if (block < dx_blocks) {
    ffma_block<Config, kVector>(dx, {block / dx.parts.count, block % dx.parts.count}, tiles);
  } else {
    const int other = block - dx_blocks;
    ffma_block<Config, kVector>(dw, {other / dw.parts.count, other % dw.parts.count}, tiles);
  }
}

}  // namespace gabor::gemm
