// Dense with few outputs. Work is cut into blocks of kBlock columns of C, in which a thread does all N rows,
// so that the block of w (and of dw) stays in the L1 cache and x or dx crosses memory once: 4 N C bytes, 2 N
// C K FLOPs, intensity K / 2 FLOP a byte: memory is the roof up to K of about 8.
//   fprop  y[n,k] = sum over c of x[n,c] w[k,c]: 4 rows times 2 outputs in registers; a partial sum for each
//          block, added up in block order
//   dgrad  dx[n,c] = sum over k of dy[n,k] w[k,c]: 4 rows share each load of w
//   wgrad  dw[k,c] = sum over n of dy[n,k] x[n,c]: 8 rows of x at a time into dw, which stays in cache
#include "backends/cpu/dense_few.h"

#include <algorithm>

#include "backends/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/dense_few.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// sums[i * K + j] = dot product of row i of x and row j of w over `count` columns; rows are C apart.
template <int kRows, int kOutputs>
HWY_INLINE void dot_tile(const float* x, const float* w, int64_t C, int64_t count, float* sums, int64_t K) {
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  hn::Vec<decltype(d)> sum[kRows][kOutputs];
  for (auto& row : sum)
    for (auto& s : row) s = hn::Zero(d);
  int64_t c = 0;
  const auto step = [&](auto load) HWY_ATTR {
    hn::Vec<decltype(d)> wc[kOutputs];
    for (int j = 0; j < kOutputs; j++) wc[j] = load(w + j * C + c);
    for (int i = 0; i < kRows; i++) {
      const auto xc = load(x + i * C + c);
      for (int j = 0; j < kOutputs; j++) sum[i][j] = hn::MulAdd(xc, wc[j], sum[i][j]);
    }
  };
  for (; c + L <= count; c += L) step([&](const float* p) HWY_ATTR { return hn::LoadU(d, p); });
  if (c < count) step([&](const float* p) HWY_ATTR { return load_part(d, p, count - c); });
  for (int i = 0; i < kRows; i++)
    for (int j = 0; j < kOutputs; j++) sums[i * K + j] = hn::GetLane(hn::SumOfLanes(d, sum[i][j]));
}

template <int kRows>
HWY_INLINE void dot_rows(const float* x, const float* w, int64_t C, int64_t K, int64_t count, float* sums) {
  int64_t k = 0;
  for (; k + 2 <= K; k += 2) dot_tile<kRows, 2>(x, w + k * C, C, count, sums + k, K);
  if (k < K) dot_tile<kRows, 1>(x, w + k * C, C, count, sums + k, K);
}

// sums: N,K of one block of columns; x and w point at its first column.
void DotBlock(const DenseProblem& p, const float* x, const float* w, int64_t count, float* sums) {
  int64_t n = 0;
  for (; n + 4 <= p.N; n += 4) dot_rows<4>(x + n * p.C, w, p.C, p.K, count, sums + n * p.K);
  for (; n < p.N; n++) dot_rows<1>(x + n * p.C, w, p.C, p.K, count, sums + n * p.K);
}

// dx of kRows rows, for `count` columns. kStream: past the caches (dx must be aligned to a vector).
template <int kRows, bool kStream>
HWY_INLINE void spread_rows(const float* dy, const float* w, float* dx, int64_t C, int64_t K, int64_t count,
                            bool accumulate) {
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  for (int64_t c = 0; c < count; c += L) {
    const int64_t rest = count - c;
    const bool whole = rest >= L;
    hn::Vec<decltype(d)> sum[kRows];
    for (int i = 0; i < kRows; i++) {
      sum[i] = hn::Zero(d);
      if (accumulate) sum[i] = whole ? hn::LoadU(d, dx + i * C + c) : load_part(d, dx + i * C + c, rest);
    }
    for (int64_t k = 0; k < K; k++) {
      const auto wc = whole ? hn::LoadU(d, w + k * C + c) : load_part(d, w + k * C + c, rest);
      for (int i = 0; i < kRows; i++) sum[i] = hn::MulAdd(hn::Set(d, dy[i * K + k]), wc, sum[i]);
    }
    for (int i = 0; i < kRows; i++) {
      if (!whole)
        store_part(sum[i], d, dx + i * C + c, rest);
      else if (kStream)
        hn::Stream(sum[i], d, dx + i * C + c);
      else
        hn::StoreU(sum[i], d, dx + i * C + c);
    }
  }
}

void SpreadBlock(const DenseProblem& p, const float* dy, const float* w, float* dx, int64_t count,
                 bool accumulate, bool stream) {
  const auto rows4 = stream ? spread_rows<4, true> : spread_rows<4, false>;
  const auto rows1 = stream ? spread_rows<1, true> : spread_rows<1, false>;
  int64_t n = 0;
  for (; n + 4 <= p.N; n += 4) rows4(dy + n * p.K, w, dx + n * p.C, p.C, p.K, count, accumulate);
  for (; n < p.N; n++) rows1(dy + n * p.K, w, dx + n * p.C, p.C, p.K, count, accumulate);
  if (stream) hwy::FlushStream();
}

template <int kRows>
HWY_INLINE void outer_rows(const float* x, const float* dy, float* dw, int64_t C, int64_t K, int64_t count,
                           bool add) {
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  for (int64_t c = 0; c < count; c += L) {
    const int64_t rest = count - c;
    const bool whole = rest >= L;
    hn::Vec<decltype(d)> xc[kRows];
    for (int i = 0; i < kRows; i++)
      xc[i] = whole ? hn::LoadU(d, x + i * C + c) : load_part(d, x + i * C + c, rest);
    for (int64_t k = 0; k < K; k++) {
      float* to = dw + k * C + c;
      auto sum = hn::Zero(d);
      if (add) sum = whole ? hn::LoadU(d, to) : load_part(d, to, rest);
      for (int i = 0; i < kRows; i++) sum = hn::MulAdd(hn::Set(d, dy[i * K + k]), xc[i], sum);
      if (whole)
        hn::StoreU(sum, d, to);
      else
        store_part(sum, d, to, rest);
    }
  }
}

void OuterBlock(const DenseProblem& p, const float* x, const float* dy, float* dw, int64_t count,
                bool accumulate) {
  int64_t n = 0;
  for (; n + 8 <= p.N; n += 8)
    outer_rows<8>(x + n * p.C, dy + n * p.K, dw, p.C, p.K, count, accumulate || n > 0);
  for (; n + 2 <= p.N; n += 2)
    outer_rows<2>(x + n * p.C, dy + n * p.K, dw, p.C, p.K, count, accumulate || n > 0);
  for (; n < p.N; n++) outer_rows<1>(x + n * p.C, dy + n * p.K, dw, p.C, p.K, count, accumulate || n > 0);
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(DotBlock);
HWY_EXPORT(SpreadBlock);
HWY_EXPORT(OuterBlock);

constexpr int64_t kBlock = 2048;  // floats: four rows of x are 32 KiB

int64_t block_count(const DenseProblem& p) { return (p.C + kBlock - 1) / kBlock; }

// body(first column, number of columns, block)
template <class Body>
void for_blocks(const DenseProblem& p, Body&& body) {
  const int64_t grain = std::max<int64_t>(1, kGrain / (kBlock * p.N));
  parallel_for(
      block_count(p), [&](int64_t i) { body(i * kBlock, std::min(kBlock, p.C - i * kBlock), i); }, grain);
}

}  // namespace

bool few_outputs(const DenseProblem& p) { return p.K <= 16 && p.C >= kBlock; }

size_t dense_few_workspace(const DenseProblem& p) {
  return size_t(block_count(p) * p.N * p.K) * sizeof(float);
}

void dense_few_fprop(const DenseProblem& p, const float* x, const float* w, const float* b, float* y,
                     void* workspace) {
  auto* sums = static_cast<float*>(workspace);
  const int64_t outputs = p.N * p.K;
  for_blocks(p, [&](int64_t c, int64_t count, int64_t block) {
    HWY_DYNAMIC_DISPATCH(DotBlock)(p, x + c, w + c, count, sums + block * outputs);
  });
  for (int64_t i = 0; i < outputs; i++) {
    double sum = b ? b[i % p.K] : 0;
    for (int64_t block = 0; block < block_count(p); block++) sum += sums[block * outputs + i];
    y[i] = float(sum);
  }
  activate(p.activation, y, y, outputs);
}

void dense_few_dgrad(const DenseProblem& p, const float* dy, const float* w, float* dx, bool accumulate) {
  // A dx that no cache holds anyway is written past them: no line is read only to be overwritten.
  constexpr int64_t kStreamBytes = int64_t{16} << 20;
  const bool aligned = reinterpret_cast<uintptr_t>(dx) % 64 == 0 && p.C % 16 == 0;
  const bool stream = aligned && !accumulate && p.N * p.C * 4 >= kStreamBytes;
  for_blocks(p, [&](int64_t c, int64_t count, int64_t) {
    HWY_DYNAMIC_DISPATCH(SpreadBlock)(p, dy, w + c, dx + c, count, accumulate, stream);
  });
}

void dense_few_wgrad(const DenseProblem& p, const float* x, const float* dy, float* dw, bool accumulate) {
  for_blocks(p, [&](int64_t c, int64_t count, int64_t) {
    HWY_DYNAMIC_DISPATCH(OuterBlock)(p, x + c, dy, dw + c, count, accumulate);
  });
}

}  // namespace gabor::cpu
#endif
