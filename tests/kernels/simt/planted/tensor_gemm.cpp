// C[m][n] = sum over k of A[m][k] B[n][k] on tensor cores: bfloat16 in, float sums. A block of 4 warps owns a tile of
// 64x32, a warp 16x32; two stages of cp.async, 16 k each; K is a multiple of 8 (rows of 16 bytes).
#include "kernels/simt/planted/case.h"

namespace gabor::simt::planted {
namespace {

enum class Bug {
  none,
  no_wait,
  wait_for_one_group_too_few,
  no_commit,
  wrong_fragment_address,
  wrong_accumulator_row,
  next_stage_overwrites_the_tile,
  no_wait_before_return,
  misaligned_copy,
  two_copies_to_one_place,
  half_a_warp_skips_the_mma,
};

constexpr int kM = 64, kN = 32, kStep = 16;
constexpr int kPitch = kStep + 8;  // rows of 48 bytes: eight of them meet all banks

template <Bug kBug>
__global__ __launch_bounds__(128) void tensor_gemm(const uint16_t* a, const uint16_t* b, float* c, int M,
                                                   int N, int K) {
  SHARED_ALIGNED(16, uint16_t, a_tile, [2][kM][kPitch]);
  SHARED_ALIGNED(16, uint16_t, b_tile, [2][kN][kPitch]);
  const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
  const int m0 = int(blockIdx.y) * kM, n0 = int(blockIdx.x) * kN;

  const auto stage = [&](int buffer, int k0) {  // 2 copies of 16 bytes a row
    const int row = thread / 2, at = thread % 2 * 8, k = k0 + at;
    const bool a_ok = m0 + row < M && k < K;
    const int to = kBug == Bug::misaligned_copy ? at + 2 : kBug == Bug::two_copies_to_one_place ? 0 : at;
    cp_async<16>(&a_tile[buffer][row][to], a_ok ? a + (m0 + row) * K + k : a, a_ok ? 16 : 0);
    if (thread < 2 * kN) {
      const bool b_ok = n0 + row < N && k < K;
      cp_async<16>(&b_tile[buffer][row][at], b_ok ? b + (n0 + row) * K + k : b, b_ok ? 16 : 0);
    }
    if (kBug != Bug::no_commit) cp_async_commit();
  };

  float sum[4][4] = {};
  stage(0, 0);
  int buffer = 0;
  for (int k0 = 0; k0 < K; k0 += kStep) {
    if (k0 + kStep < K || kBug == Bug::no_wait_before_return) {
      stage(buffer ^ 1, k0 + kStep);
    } else {
      cp_async_commit();  // an empty group, so that the wait below counts alike
    }
    if (kBug != Bug::no_wait) cp_async_wait<kBug == Bug::wait_for_one_group_too_few ? 2 : 1>();
    __syncthreads();
    uint32_t a_part[4];  // rows 0-7 and 8-15 of k 0-7, then of k 8-15
    const int a_k = kBug == Bug::wrong_fragment_address ? lane / 8 % 2 * 8 : lane / 16 * 8;
    ldmatrix_x4(a_part, &a_tile[buffer][warp * 16 + lane % 16][a_k]);
    for (int j = 0; j < 4; j += 2) {
      uint32_t b_part[4];  // columns 0-7 of k 0-7 and 8-15, then columns 8-15
      ldmatrix_x4(b_part, &b_tile[buffer][j * 8 + lane / 16 * 8 + lane % 8][lane / 8 % 2 * 8]);
      const uint32_t b0[2] = {b_part[0], b_part[1]}, b1[2] = {b_part[2], b_part[3]};
      if (kBug == Bug::half_a_warp_skips_the_mma && lane < 16) continue;
      mma_m16n8k16_bf16(sum[j], a_part, b0, sum[j]);
      mma_m16n8k16_bf16(sum[j + 1], a_part, b1, sum[j + 1]);
    }
    if (kBug != Bug::next_stage_overwrites_the_tile) __syncthreads();
    buffer ^= 1;
  }
  if (kBug != Bug::no_wait_before_return) cp_async_wait<0>();
  for (int j = 0; j < 4; ++j)
    for (int i = 0; i < 4; ++i) {
      const int down = kBug == Bug::wrong_accumulator_row ? i % 2 : i / 2;
      const int m = m0 + warp * 16 + lane / 4 + down * 8, n = n0 + j * 8 + lane % 4 * 2 + i % 2;
      if (m < M && n < N) c[m * N + n] = sum[j][i];
    }
}

template <Bug kBug>
void run() {
  constexpr int M = 70, N = 45, K = 40;
  const auto a = small_integers(M * K, 2), b = small_integers(N * K, 9);
  const auto to_bits = [](const std::vector<float>& values) {
    std::vector<uint16_t> bits;
    for (float v : values) bits.push_back(__bfloat16_as_ushort(from_float<bfloat16>(v)));
    return bits;
  };
  std::vector<float> want(M * N);
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < N; ++n)
      for (int k = 0; k < K; ++k) want[size_t(m * N + n)] += a[size_t(m * K + k)] * b[size_t(n * K + k)];
  DeviceArray<uint16_t> da(to_bits(a), "a"), db(to_bits(b), "b");
  DeviceArray<float> dc(M * N, "c");
  launch({dim3(2, 2), dim3(128)}, tensor_gemm<kBug>, da.data(), db.data(), dc.data(), M, N, K);
  expect_values(dc.values(), want);
}

}  // namespace

std::vector<Case> tensor_gemm_cases() {
  constexpr Verdict kInFlight =
      "tensor_gemm.cpp:[0-9]+: shared memory out of bounds, or the target of a cp.async that";
  constexpr Verdict kUnwritten = "uninitialised: read of 16 bytes, shared [ab]_tile .* at tensor_gemm.cpp";
  return {
      {"tensor gemm", run<Bug::none>, kClean, kClean},
      {"missing wait for cp async", run<Bug::no_wait>, kInFlight, kUnwritten},
      {"wait for one group of cp async too few", run<Bug::wait_for_one_group_too_few>, kInFlight, kUnwritten},
      {"missing commit of cp async", run<Bug::no_commit>, kInFlight, kUnwritten},
      {"wrong address of a fragment", run<Bug::wrong_fragment_address>, kWrongValue, kWrongValue},
      {"wrong row of an accumulator", run<Bug::wrong_accumulator_row>, "wrong value",
       "race: write of 4 bytes, global c|read back by the host|wrong value"},
      {"next stage overwrites the tile", run<Bug::next_stage_overwrites_the_tile>, kUnseen,
       "race: (read|write) of 16 bytes, shared [ab]_tile .*|uninitialised: read of 16 bytes, shared "
       "[ab]_tile"},
      {"copy under way at exit", run<Bug::no_wait_before_return>, "cp.async copies it never waited for",
       "cp.async copies it never waited for"},
      {"misaligned cp async", run<Bug::misaligned_copy>,
       "cp.async: an address is not a multiple of the 16 bytes",
       "cp.async: an address is not a multiple of the 16 bytes"},
      {"two copies to one place", run<Bug::two_copies_to_one_place>,
       "the target is out of bounds, or another copy to it is under way", "race|uninitialised"},
      {"half a warp skips an mma", run<Bug::half_a_warp_skips_the_mma>,
       "divergent warp collective|deadlock|needs all", "divergent warp collective|deadlock|needs all"},
  };
}

}  // namespace gabor::simt::planted
