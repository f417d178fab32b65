// D[m,n] = sum over k of A[m,k] B[k,n] on tensor cores: f16 and bf16 (mma m16n8k16) and f32 rounded to TF32
// (m16n8k8); float sums. sm_80 and newer.
//
// Tensors:  gemm.h. kVector wants A and B in rows of whole 16-byte chunks, aligned to 16 bytes: cp.async. Otherwise
//           elements go one by one through registers.
// Owns:     a block kTileM x kTileN of D and, when k is split, one part of k (blockIdx.z). A warp kWarpM x kWarpN,
//           as 16 x 8 pieces. A lane 4 elements of each piece (cuda/tensor_core.h: fragment layouts).
// Memory:   kStages stages of A and B, 64 bytes of k deep (32 elements of 16 bits, 16 of f32), in the layout they
//           have in global memory. Rows are padded so that ldmatrix's 8 rows of 16 bytes, or TF32's 4 x 8 words,
//           meet all banks. 31 KB (64) and 61 KB (128) of dynamic shared memory. Registers: 32 (64) or 64 sums.
// Why one kernel serves both widths: in bytes, the fragments of m16n8k16 and m16n8k8 are the same, 32 bytes of k
//           wide; only operands whose rows run along m or n differ (ldmatrix transposes 16-bit elements only).
// Cost:     2 M N K FLOP; a 128 tile does 64 (bf16) or 32 (TF32) FLOP a byte of L2. H200: 990 (bf16) and 495 (TF32)
//           TFLOP/s by wgmma; mma.sync reaches about 60 % of that. Below 180 FLOP a byte of DRAM (a dense layer of
//           less than some 200 rows or outputs) its 4.3 TB/s bound. A GTX 1660 Ti has no tensor cores: ffma.cuh.
// Rung:     the third. Its idea: copies that bypass registers, and a matrix instruction.
#pragma once
#include "kernels/common/multiply_add.cuh"
#include "kernels/gemm/params.cuh"

namespace gabor::gemm {

template <int kTile, int kWarpM_, int kWarpN_>
struct TensorConfig {
  static constexpr int kTileM = kTile, kTileN = kTile, kStepBytes = 64, kStages = 3;
  static constexpr int kWarpM = kWarpM_, kWarpN = kWarpN_;
  static constexpr int kWarpsN = kTileN / kWarpN, kWarps = kTileM / kWarpM * kWarpsN, kThreads = 32 * kWarps;
  static constexpr int kBlocksAtOnce =
      kThreads <= 128 ? 6 : 2;  // of at most 80 and 128 registers, which none spills
  static_assert(kWarpM % 16 == 0 && kWarpN % 16 == 0 && kTileM % kWarpM == 0 && kTileN % kWarpN == 0);
};
using Tensor64 = TensorConfig<64, 32, 32>;    // 4 warps
using Tensor128 = TensorConfig<128, 64, 32>;  // 8 warps

// A stage of one operand in shared memory: kExtent of m or n by kStepBytes of k.
template <class Config, class Element, int kExtent, bool kRowsAlongK>
struct OperandTile {
  static constexpr int kSize = int(sizeof(Element)), kChunk = 16 / kSize;  // elements of a chunk
  static constexpr int kTileK = Config::kStepBytes / kSize, kMmaK = 32 / kSize;
  static constexpr int kRows = kRowsAlongK ? kExtent : kTileK, kColumns = kRowsAlongK ? kTileK : kExtent;
  static constexpr int kPitch = kColumns + (kSize == 4 && !kRowsAlongK ? 2 : 1) * kChunk;  // elements
  static constexpr int kBytes = kRows * kPitch * kSize;
  static constexpr int kChunks = kRows * kColumns / kChunk;
  static_assert(kPitch * kSize % 16 == 0 && kChunks % Config::kThreads == 0);

  // Fills the tile from (first, k) on; zeros beyond extent and k_end. kVector: by cp.async, not committed.
  template <bool kVector>
  static __device__ void fill(Element* tile, const Element* source, int64_t stride, int first, int extent,
                              int k, int k_end) {
    GABOR_UNROLL
    for (int i = 0; i < kChunks / Config::kThreads; ++i) {
      constexpr int kRowChunks = kColumns / kChunk;
      const int at = int(threadIdx.x) + i * Config::kThreads, row = at / kRowChunks,
                column = at % kRowChunks * kChunk;
      const int r = (kRowsAlongK ? first : k) + row, c = (kRowsAlongK ? k : first) + column;
      const int count = r < (kRowsAlongK ? extent : k_end) ? (kRowsAlongK ? k_end : extent) - c : 0;
      Element* to = tile + row * kPitch + column;
      const Element* from = source + r * stride + c;
      if constexpr (kVector) {
        simt::cp_async<16>(to, count > 0 ? from : source, count > 0 ? 16 : 0);
      } else {
        for (int j = 0; j < kChunk; ++j) to[j] = j < count ? from[j] : simt::from_float<Element>(0);
      }
    }
  }

  // Fragments of 16 of m or n (from `at`) by kMmaK of k (from `k`), in the order of mma's A: first the lower k of
  // 0..7 and 8..15, then the upper. As B the same registers are {r[0], r[2]} and {r[1], r[3]}.
  static __device__ void fragment(uint32_t (&r)[4], const Element* tile, unsigned at, unsigned k) {
    words(r, tile, at, k);
    if constexpr (kSize == 4)
      for (int i = 0; i < 4; ++i) r[i] = simt::to_tf32(__uint_as_float(r[i]));
  }

 private:
  // 32 bytes of k, as they are.
  static __device__ void words(uint32_t (&r)[4], const Element* tile, unsigned at, unsigned k) {
    const unsigned lane = threadIdx.x % 32;
    if constexpr (kRowsAlongK) {
      simt::ldmatrix_x4(r, tile + (at + lane % 16) * kPitch + k + lane / 16 * kChunk);
    } else if constexpr (kSize == 2) {
      simt::ldmatrix_x4_trans(r, tile + (k + lane / 16 * 8 + lane % 8) * kPitch + at + lane / 8 % 2 * 8);
    } else {
      const float* corner = tile + (k + lane % 4) * kPitch + at + lane / 4;
      for (int i = 0; i < 4; ++i) r[i] = __float_as_uint(corner[i / 2 * 4 * kPitch + i % 2 * 8]);
    }
  }
};

template <class Config, class P>
using TensorTileA = OperandTile<Config, typename P::Element, Config::kTileM, a_rows_along_k(P::kPass)>;
template <class Config, class P>
using TensorTileB = OperandTile<Config, typename P::Element, Config::kTileN, b_rows_along_k(P::kPass)>;
// Dynamic shared memory of a block, bytes.
template <class Config, class P>
constexpr int kTensorShared = Config::kStages*(TensorTileA<Config, P>::kBytes +
                                               TensorTileB<Config, P>::kBytes);

template <class Config, bool kVector, class P>
__global__ __launch_bounds__(Config::kThreads, Config::kBlocksAtOnce) void tensor_gemm(P p) {
  using Element = typename P::Element;
  using ATile = TensorTileA<Config, P>;
  using BTile = TensorTileB<Config, P>;
  constexpr int kStages = Config::kStages, kTileK = ATile::kTileK, kMmaK = ATile::kMmaK;
  constexpr int kPiecesM = Config::kWarpM / 16, kPiecesN = Config::kWarpN / 8;
  constexpr int kAElements = ATile::kBytes / int(sizeof(Element)),
                kBElements = BTile::kBytes / int(sizeof(Element));
  DYN_SHARED(Element, shared);
  Element* const a_tiles = shared;
  Element* const b_tiles = shared + kStages * kAElements;

  const int tiles_n = simt::ceil_div(p.N, Config::kTileN);
  const Share share{int(blockIdx.x), int(blockIdx.z)};
  const int m0 = share.tile / tiles_n * Config::kTileM, n0 = share.tile % tiles_n * Config::kTileN;
  const unsigned warp = threadIdx.x / 32;
  const unsigned warp_m = warp / Config::kWarpsN * Config::kWarpM,
                 warp_n = warp % Config::kWarpsN * Config::kWarpN;
  const int k_begin = first_k(p, share.part), k_end = end_k(p, share.part);
  const int steps = simt::ceil_div(k_end - k_begin, kTileK);
  const int64_t a_stride = a_rows_along_k(P::kPass) ? p.K : p.M,
                b_stride = b_rows_along_k(P::kPass) ? p.K : p.N;

  const auto fill =
      [&](int step) {  // one group of copies a call, an empty one past the end: so waits count alike
        if (step < steps) {
          const int k = k_begin + step * kTileK, stage = step % kStages;
          ATile::template fill<kVector>(a_tiles + stage * kAElements, p.a, a_stride, m0, p.M, k, k_end);
          BTile::template fill<kVector>(b_tiles + stage * kBElements, p.b, b_stride, n0, p.N, k, k_end);
        }
        simt::cp_async_commit();
      };
  for (int step = 0; step < kStages - 1; ++step) fill(step);

  float sum[kPiecesM][kPiecesN][4] = {};
  for (int step = 0; step < steps; ++step) {
    simt::cp_async_wait<kStages - 2>();
    __syncthreads();
    fill(step + kStages - 1);  // into the stage that all had read before that barrier
    const Element* a_tile = a_tiles + step % kStages * kAElements;
    const Element* b_tile = b_tiles + step % kStages * kBElements;
    GABOR_UNROLL
    for (int k = 0; k < kTileK; k += kMmaK) {
      uint32_t a[kPiecesM][4];
      GABOR_UNROLL
      for (int i = 0; i < kPiecesM; ++i) ATile::fragment(a[i], a_tile, warp_m + 16 * i, k);
      GABOR_UNROLL
      for (int j = 0; j < kPiecesN; j += 2) {
        uint32_t b[4];
        BTile::fragment(b, b_tile, warp_n + 8 * j, k);
        const uint32_t left[2] = {b[0], b[2]}, right[2] = {b[1], b[3]};
        GABOR_UNROLL
        for (int i = 0; i < kPiecesM; ++i) {
          kernels::multiply_add<typename P::Element>(sum[i][j], a[i], left);
          kernels::multiply_add<typename P::Element>(sum[i][j + 1], a[i], right);
        }
      }
    }
  }

  float* const partial = sums_of(p, share.part);
  GABOR_UNROLL
  for (int i = 0; i < kPiecesM; ++i) GABOR_UNROLL
  for (int j = 0; j < kPiecesN; ++j) {
    const int lane = int(threadIdx.x) % 32;
    const int m = m0 + int(warp_m) + 16 * i + lane / 4, n = n0 + int(warp_n) + 8 * j + lane % 4 * 2;
    put_pair(p, partial, m, n, sum[i][j][0], sum[i][j][1]);
    put_pair(p, partial, m + 8, n, sum[i][j][2], sum[i][j][3]);
  }
  finish_tile<Config::kThreads, Config::kTileM, Config::kTileN>(p, share, m0, n0);
}

}  // namespace gabor::gemm
