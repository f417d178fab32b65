// C[m][n] = sum over k of A[m][k] B[n][k]: a block owns a tile of 32x32, a thread 4x4 of it; k in steps of 8 through
// double-buffered shared memory. Shapes: A M,K; B N,K; C M,N, row-major.
#include "kernels/simt/planted/case.h"

namespace gabor::simt::planted {
namespace {

enum class Bug {
  none,
  no_barrier_after_fill,
  buffer_not_flipped,
  row_index_past_the_end,
  k_tail_not_zeroed,
  divergent_barrier,
  misaligned_global_vector,
  misaligned_shared_vector,
  accumulator_not_initialised,
  swapped_index,
  shared_write_behind_array,
};

constexpr int kTile = 32, kStep = 8, kThreads = 64;

// kVector: K is a multiple of 4, so that rows can be read as float4.
template <Bug kBug, bool kVector>
__global__ __launch_bounds__(kThreads) void tile_product(const float* a, const float* b, float* c, int M,
                                                         int N, int K) {
  constexpr int kAlign = kBug == Bug::misaligned_shared_vector ? 4 : 16;
  SHARED_ALIGNED(kAlign, float, a_tile, [2][kStep][kTile]);
  SHARED_ALIGNED(kAlign, float, b_tile, [2][kStep][kTile]);
  const int thread = int(threadIdx.x), m0 = int(blockIdx.y) * kTile, n0 = int(blockIdx.x) * kTile;
  const int row = thread / 2,
            k_in_step = thread % 2 * 4;        // what this thread stages: 4 k of a row of A and of B
  const int ty = thread / 8, tx = thread % 8;  // what it computes
  float a_next[4], b_next[4];

  const auto fetch_row = [&](float(&to)[4], const float* from, int r, int rows, int k0) {
    const int k = k0 + k_in_step;
    for (float& v : to) v = 0.0f;
    if (r >= rows) return;
    if (kVector || kBug == Bug::misaligned_global_vector) {
      if (k >= K) return;
      const float4 v = load<float4>(from + r * K + k);
      to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    } else {
      for (int i = 0; i < 4 && k + i < K; ++i) to[i] = from[r * K + k + i];
    }
  };
  const auto fetch = [&](int k0) {
    fetch_row(a_next, a, m0 + row, M, k0);
    fetch_row(b_next, b, n0 + row, N, k0);
  };
  const auto store = [&](int buffer, int k0) {
    for (int i = 0; i < 4; ++i) {
      const int k = k_in_step + i;
      const int column = row + (kBug == Bug::row_index_past_the_end ? 1 : 0);
      if (kBug == Bug::shared_write_behind_array) {
        (&a_tile[0][0][0])[(buffer + 1) * kStep * kTile + k * kTile + row] = a_next[i];
      } else {
        a_tile[buffer][k][column] = a_next[i];
      }
      if (kBug != Bug::k_tail_not_zeroed || k0 + k < K) b_tile[buffer][k][row] = b_next[i];
    }
  };

  float sum[4][4];
  if (kBug != Bug::accumulator_not_initialised)
    for (auto& line : sum)
      for (float& s : line) s = 0.0f;
  fetch(0);
  store(0, 0);
  if (kBug != Bug::no_barrier_after_fill) __syncthreads();
  int buffer = 0;
  for (int k0 = 0; k0 < K; k0 += kStep) {
    const bool more = k0 + kStep < K;
    if (more) fetch(k0 + kStep);
    for (int k = 0; k < kStep; ++k) {
      const float4 u = load<float4>(&a_tile[buffer][k][ty * 4]);
      const float4 v = load<float4>(&b_tile[buffer][k][tx * 4]);
      const float us[4] = {u.x, u.y, u.z, u.w}, vs[4] = {v.x, v.y, v.z, v.w};
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) sum[i][j] += us[i] * vs[j];
    }
    if (!more) break;
    if (kBug != Bug::buffer_not_flipped) buffer ^= 1;
    store(buffer, k0 + kStep);
    if (kBug != Bug::divergent_barrier || thread < kThreads / 2) __syncthreads();
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      const int m = m0 + ty * 4 + i, n = n0 + tx * 4 + j;
      if (m < M && n < N) c[m * N + n] = kBug == Bug::swapped_index ? sum[j][i] : sum[i][j];
    }
}

template <Bug kBug, int kK>
void run() {
  constexpr int M = 33, N = 35;
  const auto a = small_integers(M * kK, 3), b = small_integers(N * kK, 1);
  std::vector<float> want(M * N);
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < N; ++n)
      for (int k = 0; k < kK; ++k) want[size_t(m * N + n)] += a[size_t(m * kK + k)] * b[size_t(n * kK + k)];
  DeviceArray<float> da(a, "a"), db(b, "b"), dc(M * N, "c");
  launch({dim3(2, 2), dim3(kThreads)}, tile_product<kBug, kK % 4 == 0>, da.data(), db.data(), dc.data(), M, N,
         kK);
  expect_values(dc.values(), want);
}

}  // namespace

std::vector<Case> tile_product_cases() {
  constexpr Verdict kShared = "uninitialised: read of [0-9]+ bytes, shared";
  constexpr Verdict kUnaligned =
      "tile_product.cpp:[0-9]+: vector of 16 bytes at an address that is not a multiple";
  return {
      {"tile product, vector loads", run<Bug::none, 20>, kClean, kClean},
      {"tile product, scalar loads", run<Bug::none, 5>, kClean, kClean},
      {"missing barrier after the first fill", run<Bug::no_barrier_after_fill, 20>, kWrongValue, kShared},
      {"buffer not flipped", run<Bug::buffer_not_flipped, 20>, kWrongValue,
       "race: (read|write) of [0-9]+ bytes, shared [ab]_tile .* at tile_product.cpp:.*unordered with a .*at "
       "tile_product.cpp"},
      {"index past the row", run<Bug::row_index_past_the_end, 20>, "index 32 out of bounds",
       "(uninitialised|out of bounds): .* shared"},
      {"shared write behind the array", run<Bug::shared_write_behind_array, 20>, "use-after-poison",
       "(out of bounds|uninitialised).* shared a_tile"},
      {"tail of k not zeroed", run<Bug::k_tail_not_zeroed, 5>, kWrongValue, kShared},
      {"barrier in a branch", run<Bug::divergent_barrier, 20>, "deadlock|divergent|the others have returned",
       "deadlock|divergent|the others have returned|uninitialised|race"},
      {"vector load of unaligned global memory", run<Bug::misaligned_global_vector, 5>, kUnaligned,
       kUnaligned},
      {"vector load of unaligned shared memory", run<Bug::misaligned_shared_vector, 20>, kUnaligned,
       kUnaligned},
      {"accumulator not initialised", run<Bug::accumulator_not_initialised, 20>, kWrongValue, kUnseen},
      {"swapped index", run<Bug::swapped_index, 20>, kWrongValue, kWrongValue},
  };
}

}  // namespace gabor::simt::planted
