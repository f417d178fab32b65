// Fully connected layers: matrix products in tiles that the threads share, each oneDNN's, with bias and activation after
// it; few outputs over many inputs go to dense_few.h. A tile's rows are a chunk of the batch (ops/batch_chunks.h), and its
// columns follow from K and C alone, so neither the batch nor the threads change a bit.
#include <algorithm>

#include "backends/cpu/dense_few.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/onednn.h"
#include "backends/cpu/ops.h"
#include "ops/batch_chunks.h"

namespace gabor::cpu {
namespace {

// db[k] (+)= sum over n of dy[n,k], in blocks of K whose sums stay in registers.
void bias_grad(const DenseProblem& p, const float* dy, float* db, bool accumulate) {
  constexpr int64_t kBlock = 32;
  for (int64_t k0 = 0; k0 < p.K; k0 += kBlock) {
    const int64_t count = std::min(kBlock, p.K - k0);
    double sums[kBlock] = {};
    for (int64_t n = 0; n < p.N; n++)
      for (int64_t k = 0; k < count; k++) sums[k] += dy[n * p.K + k0 + k];
    for (int64_t k = 0; k < count; k++) db[k0 + k] = float(sums[k] + (accumulate ? db[k0 + k] : 0));
  }
}

// Into how many tiles so many columns are cut: of 112 to 223, where oneDNN copies its operands into order first.
int64_t tiles(int64_t columns) { return std::max<int64_t>(1, columns / 112); }
// Of w's rows in fprop. What is narrower, oneDNN reads in place, row by row, at a third of the speed when the rows are some
// KiB apart (measured); but not 16 rows at a time.
int64_t row_tiles(int64_t rows) { return rows < 112 ? (rows + 15) / 16 : tiles(rows); }

// Columns first .. first + count - 1 of a matrix: the i-th of `many` even tiles, in whole vectors.
struct Columns {
  int64_t first, count;
};
Columns tile(int64_t i, int64_t many, int64_t columns) {
  constexpr int64_t kVector = 16;
  const int64_t vectors = (columns + kVector - 1) / kVector;
  const int64_t first = vectors * i / many * kVector, end = vectors * (i + 1) / many * kVector;
  return {first, std::min(end, columns) - first};
}

// body(chunk, its first image, columns) for each tile of a matrix of N rows and so many columns, `across` tiles wide, on as
// many threads as it is worth. Tiles that read the same part of w follow each other.
template <class Body>
void for_tiles(const DenseProblem& p, int64_t columns, int64_t across, Body&& body) {
  const int64_t chunk_rows = chunk_count(p.N);
  parallel_ranges(
      across * chunk_rows,
      [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) {
          const int64_t first = i % chunk_rows * kBatchChunk;
          body(with_images(p, std::min(kBatchChunk, p.N - first)), first,
               tile(i / chunk_rows, across, columns));
        }
      },
      threads_for(p.flops() / kFlopsPerElement));
}

class CpuDense final : public Dense {
 public:
  Support supports(const DenseProblem&, Pass) const override { return Support::yes(); }

  size_t workspace_bytes(const DenseProblem& p, Pass pass) const override {
    return pass == Pass::fprop && few_outputs(p) ? dense_few_workspace(p) : 0;
  }

  void fprop(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    const float *in = x.as<float>(), *weights = w.as<float>(), *bias = b.as<float>();
    float* out = y.as<float>();
    if (few_outputs(p)) {
      GABOR_CHECK(context.workspace_bytes >= dense_few_workspace(p));
      return dense_few_fprop(p, in, weights, bias, out, context.workspace);
    }
    for_tiles(p, p.K, row_tiles(p.K), [&](const DenseProblem& chunk, int64_t first, Columns k) {
      float* to = out + first * p.K + k.first;
      sgemm({.M = chunk.N,
             .N = k.count,
             .K = p.C,
             .a_step = p.C,
             .b_step = p.C,
             .c_step = p.K,
             .transpose_b = true},
            in + first * p.C, weights + k.first * p.C, to);
      for (int64_t n = 0; n < chunk.N; n++)
        bias_activate(p.activation, bias ? bias + k.first : nullptr, to + n * p.K, 1, k.count);
    });
  }

  void dgrad(Context&, const DenseProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    const float *grad = dy.as<float>(), *weights = w.as<float>();
    float* to = dx.as<float>();
    const bool accumulate = mode == GradMode::accumulate;
    if (few_outputs(p)) return dense_few_dgrad(p, grad, weights, to, accumulate);
    for_tiles(p, p.C, tiles(p.C), [&](const DenseProblem& chunk, int64_t first, Columns c) {
      sgemm({.M = chunk.N,
             .N = c.count,
             .K = p.K,
             .a_step = p.K,
             .b_step = p.C,
             .c_step = p.C,
             .beta = accumulate ? 1.0f : 0.0f},
            grad + first * p.K, weights + c.first, to + first * p.C + c.first);
    });
  }

  void wgrad(Context&, const DenseProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const float *in = x.as<float>(), *grad = dy.as<float>();
    float *weights = dw.as<float>(), *bias = db.as<float>();
    const auto accumulate = [&](int64_t first) { return chunk_mode(first, mode) == GradMode::accumulate; };
    if (bias)
      for_batch_chunks(p, [&](const DenseProblem& chunk, int64_t first) {
        bias_grad(chunk, grad + first * p.K, bias, accumulate(first));
      });
    // Rows of x go into dw in order, so that chunks make no difference.
    if (few_outputs(p)) return dense_few_wgrad(p, in, grad, weights, accumulate(0));
    const int64_t down = tiles(p.K), across = tiles(p.C);
    parallel_ranges(
        down * across,
        [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; i++) {
            const Columns k = tile(i / across, down, p.K), c = tile(i % across, across, p.C);
            for_batch_chunks(p, [&](const DenseProblem& chunk, int64_t first) {
              sgemm({.M = k.count,
                     .N = c.count,
                     .K = chunk.N,
                     .a_step = p.K,
                     .b_step = p.C,
                     .c_step = p.C,
                     .transpose_a = true,
                     .beta = accumulate(first) ? 1.0f : 0.0f},
                    grad + first * p.K + k.first, in + first * p.C + c.first,
                    weights + k.first * p.C + c.first);
            });
          }
        },
        threads_for(p.flops() / kFlopsPerElement));
  }
};

}  // namespace

std::unique_ptr<Dense> make_dense() { return std::make_unique<CpuDense>(); }

}  // namespace gabor::cpu
