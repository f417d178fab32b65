// Batch normalisation. Memory is the roof: forward reads x twice and writes y, backward reads x and dy twice and
// writes dx; the arithmetic is a few instructions a vector.
//   Columns.  With few channels several rows are taken as one of C' = lcm(C, 64) columns, so that the vectors are full
//             whatever C is; column j is of channel j % C. The rows that are left over (fewer than C' / C) come last.
//   Chunks.   The rows of C' columns are cut into chunks that stay in the L2 cache. A chunk gives the mean of each
//             column and the sum of squares around that mean (two passes, the second from cache); chunks and columns
//             are then combined in double, in their order (Chan, Golub, LeVeque: "Updating formulae and a pairwise
//             algorithm for computing sample variances", 1979). Nothing cancels, however far the mean is from 0, and as
//             chunks depend on the shape alone, no bit depends on the number of threads.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"
#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/batchnorm.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// Calls f.columns<kVectors>(part, c) for vectors of columns c, c + L, ... that make up 0..columns-1, four at a time.
template <class F>
HWY_INLINE void for_columns(const F& f, int64_t columns) {
  const hn::ScalableTag<float> d;
  using D = decltype(d);
  const int64_t L = int64_t(hn::Lanes(d));
  int64_t c = 0;
  for (; c + 4 * L <= columns; c += 4 * L) f.template columns<4>(Part<D, false>{d, L}, c);
  for (; c + L <= columns; c += L) f.template columns<1>(Part<D, false>{d, L}, c);
  if (c < columns) f.template columns<1>(Part<D, true>{d, columns - c}, c);
}

struct Moments {
  const float* x;
  int64_t rows, stride;
  float *mean, *squares;
  template <int kVectors, class P>
  HWY_INLINE void columns(const P& part, int64_t c) const {
    using V = hn::Vec<decltype(part.d)>;
    const int64_t L = int64_t(hn::Lanes(part.d));
    V sum[kVectors], square[kVectors];
    for (int v = 0; v < kVectors; v++) sum[v] = square[v] = hn::Zero(part.d);
    for (int64_t r = 0; r < rows; r++)
      for (int v = 0; v < kVectors; v++) sum[v] = hn::Add(sum[v], part.load(x + r * stride + c + v * L));
    for (int v = 0; v < kVectors; v++) sum[v] = hn::Div(sum[v], hn::Set(part.d, float(rows)));
    for (int64_t r = 0; r < rows; r++)
      for (int v = 0; v < kVectors; v++) {
        const V away = hn::Sub(part.load(x + r * stride + c + v * L), sum[v]);
        square[v] = hn::MulAdd(away, away, square[v]);
      }
    for (int v = 0; v < kVectors; v++) {
      part.store(sum[v], mean + c + v * L);
      part.store(square[v], squares + c + v * L);
    }
  }
};
void ChunkMoments(const float* x, int64_t rows, int64_t columns, float* mean, float* squares) {
  for_columns(Moments{x, rows, columns, mean, squares}, columns);
}

struct GradientSums {
  const float *x, *dy, *mean;
  int64_t rows, stride;
  float *sum, *product;  // of dy, and of dy (x - mean)
  template <int kVectors, class P>
  HWY_INLINE void columns(const P& part, int64_t c) const {
    using V = hn::Vec<decltype(part.d)>;
    const int64_t L = int64_t(hn::Lanes(part.d));
    V s[kVectors], t[kVectors], m[kVectors];
    for (int v = 0; v < kVectors; v++) {
      s[v] = t[v] = hn::Zero(part.d);
      m[v] = part.load(mean + c + v * L);
    }
    for (int64_t r = 0; r < rows; r++)
      for (int v = 0; v < kVectors; v++) {
        const int64_t at = r * stride + c + v * L;
        const V g = part.load(dy + at);
        s[v] = hn::Add(s[v], g);
        t[v] = hn::MulAdd(g, hn::Sub(part.load(x + at), m[v]), t[v]);
      }
    for (int v = 0; v < kVectors; v++) {
      part.store(s[v], sum + c + v * L);
      part.store(t[v], product + c + v * L);
    }
  }
};
void ChunkGradientSums(const float* x, const float* dy, const float* mean, int64_t rows, int64_t columns,
                       float* sum, float* product) {
  for_columns(GradientSums{x, dy, mean, rows, columns, sum, product}, columns);
}

// y = (x - mean) scale + shift, one row of `columns`.
struct Scale {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x, V mean, V scale, V shift) const {
    return hn::MulAdd(hn::Sub(x, mean), scale, shift);
  }
};
struct ScaleRelu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V mean, V scale, V shift) const {
    return Relu()(d, Scale()(d, x, mean, scale, shift));
  }
};
void ScaleRows(const float* x, const float* mean, const float* scale, const float* shift, float* y,
               int64_t rows, int64_t columns, bool relu) {
  for (int64_t i = 0; i < rows * columns; i += columns) {
    if (relu)
      map_lanes(ScaleRelu(), columns, y + i, x + i, mean, scale, shift);
    else
      map_lanes(Scale(), columns, y + i, x + i, mean, scale, shift);
  }
}

// dx (+)= scale (dy - dy_mean - (x - mean) slope).
struct Gradient {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x, V dy, V mean, V slope, V dy_mean, V scale) const {
    return hn::Mul(scale, hn::NegMulAdd(hn::Sub(x, mean), slope, hn::Sub(dy, dy_mean)));
  }
};
struct AddedGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy, V mean, V slope, V dy_mean, V scale, V dx) const {
    return hn::Add(dx, Gradient()(d, x, dy, mean, slope, dy_mean, scale));
  }
};
void GradientRows(const float* x, const float* dy, const float* mean, const float* slope,
                  const float* dy_mean, const float* scale, float* dx, int64_t rows, int64_t columns,
                  bool accumulate) {
  for (int64_t i = 0; i < rows * columns; i += columns) {
    if (accumulate)
      map_lanes(AddedGradient(), columns, dx + i, x + i, dy + i, mean, slope, dy_mean, scale, dx + i);
    else
      map_lanes(Gradient(), columns, dx + i, x + i, dy + i, mean, slope, dy_mean, scale);
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(ChunkMoments);
HWY_EXPORT(ChunkGradientSums);
HWY_EXPORT(ScaleRows);
HWY_EXPORT(GradientRows);

constexpr int64_t kChunk = 16384;  // floats: 64 KiB
constexpr int64_t kBlock = 64;     // channels that are combined together

// How a problem is cut (see the head of this file).
struct Cut {
  explicit Cut(const BatchNormProblem& p)
      : C(p.C),
        fold(C < 64 ? std::lcm(C, int64_t{64}) / C : 1),
        columns(C * fold),
        rows(p.rows / fold),
        rest(p.rows - rows * fold),
        chunk_rows(std::max<int64_t>(16, kChunk / columns)),
        chunks((rows + chunk_rows - 1) / chunk_rows) {}
  int64_t C;
  int64_t fold, columns;  // rows of x in one of ours, and its length
  int64_t rows, rest;     // ours; rows of x beyond them
  int64_t chunk_rows, chunks;

  int64_t rows_of(int64_t chunk) const { return std::min(chunk_rows, rows - chunk * chunk_rows); }
  int64_t begin_of(int64_t chunk) const { return chunk * chunk_rows * columns; }  // element
  const float* rest_of(const float* x) const { return x + rows * columns; }

  // body(chunk) for each, where a chunk is worth a thread.
  template <class Body>
  void for_chunks(Body&& body) const {
    parallel_for(chunks, body, std::max<int64_t>(1, kGrain / (chunk_rows * columns)));
  }
  // body(first element, rows of ours, columns) for each chunk and for the rest.
  template <class Body>
  void for_rows(Body&& body) const {
    for_chunks([&](int64_t i) { body(begin_of(i), rows_of(i), columns); });
    if (rest) body(rows * columns, int64_t{1}, rest * C);
  }
};

// The workspace: two sums for each column of each chunk, and four values for each column.
struct Sums {
  Sums(const Cut& cut, const Context& context)
      : first(static_cast<float*>(context.workspace)), second(first + cut.chunks * cut.columns) {
    if (context.workspace_bytes < bytes(cut))
      fail(ErrorCode::usage, "batchnorm", "the workspace has {} bytes but {} are needed",
           context.workspace_bytes, bytes(cut));
    float* next = second + cut.chunks * cut.columns;
    for (float*& v : per_column) v = next, next += cut.columns;
  }
  static size_t bytes(const Cut& cut) { return size_t((2 * cut.chunks + 4) * cut.columns) * sizeof(float); }
  float *first, *second;
  float* per_column[4];
};

// body(place, rows) for each part of the sums: its C values at first + place and second + place are of so many rows.
template <class Body>
void for_parts(const Cut& cut, Body&& body) {
  for (int64_t chunk = 0; chunk < cut.chunks; chunk++)
    for (int64_t j = 0; j < cut.columns; j += cut.C) body(chunk * cut.columns + j, cut.rows_of(chunk));
}

// body(first channel, number of them) for blocks of channels; combining a block is worth a thread when it is large.
template <class Body>
void for_blocks(const Cut& cut, Body&& body) {
  const int64_t parts = cut.chunks * cut.fold + cut.rest;
  parallel_for((cut.C + kBlock - 1) / kBlock,
               [&](int64_t i) { body(i * kBlock, std::min(kBlock, cut.C - i * kBlock)); },
               std::max<int64_t>(1, kGrain / (2 * kBlock * parts)));
}

// Mean and biased variance of n channels from c on, out of their moments in all chunks.
void combine_moments(const Cut& cut, const Sums& sums, const float* x, int64_t c, int64_t n, double* mean,
                     double* var) {
  const double rows = double(cut.rows * cut.fold + cut.rest);
  const float* rest = cut.rest_of(x) + c;
  std::fill_n(mean, n, 0.0), std::fill_n(var, n, 0.0);
  for_parts(cut, [&](int64_t place, int64_t behind) {
    for (int64_t i = 0; i < n; i++) mean[i] += double(behind) * sums.first[place + c + i];
  });
  for (int64_t r = 0; r < cut.rest; r++)
    for (int64_t i = 0; i < n; i++) mean[i] += rest[r * cut.C + i];
  for (int64_t i = 0; i < n; i++) mean[i] /= rows;
  for_parts(cut, [&](int64_t place, int64_t behind) {
    for (int64_t i = 0; i < n; i++) {
      const double away = sums.first[place + c + i] - mean[i];
      var[i] += sums.second[place + c + i] + double(behind) * away * away;
    }
  });
  for (int64_t r = 0; r < cut.rest; r++)
    for (int64_t i = 0; i < n; i++)
      var[i] += (rest[r * cut.C + i] - mean[i]) * (rest[r * cut.C + i] - mean[i]);
  for (int64_t i = 0; i < n; i++) var[i] /= rows;
}

// Sums of dy and of dy (x - mean) over all rows, of n channels from c on.
void combine_gradients(const Cut& cut, const Sums& sums, const float* x, const float* dy, const float* mean,
                       int64_t c, int64_t n, double* sum, double* product) {
  const float *rest = cut.rest_of(x) + c, *rest_dy = cut.rest_of(dy) + c;
  std::fill_n(sum, n, 0.0), std::fill_n(product, n, 0.0);
  for_parts(cut, [&](int64_t place, int64_t) {
    for (int64_t i = 0; i < n; i++) {
      sum[i] += sums.first[place + c + i];
      product[i] += sums.second[place + c + i];
    }
  });
  for (int64_t at = 0; at < cut.rest * cut.C; at += cut.C)
    for (int64_t i = 0; i < n; i++) {
      sum[i] += rest_dy[at + i];
      product[i] += double(rest_dy[at + i]) * (double(rest[at + i]) - mean[c + i]);
    }
}

class CpuBatchNorm final : public BatchNorm {
 public:
  Support supports(const BatchNormProblem& p) const override {
    return none_or_relu(p.activation) ? Support::yes() : Support::no("an activation other than relu");
  }
  size_t workspace_bytes(const BatchNormProblem& p) const override { return Sums::bytes(Cut(p)); }

  void forward_training(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                        ConstTensorView beta, TensorView y, TensorView mean, TensorView rstd,
                        TensorView running_mean, TensorView running_var) const override {
    const Cut cut(p);
    const Sums sums(cut, context);
    const float* in = x.as<float>();
    cut.for_chunks([&](int64_t i) {
      HWY_DYNAMIC_DISPATCH(ChunkMoments)
      (in + cut.begin_of(i), cut.rows_of(i), cut.columns, sums.first + i * cut.columns,
       sums.second + i * cut.columns);
    });
    float *batch_mean = mean.as<float>(), *batch_rstd = rstd.as<float>();
    float *to_mean = running_mean.as<float>(), *to_var = running_var.as<float>();
    const double share = p.momentum;
    for_blocks(cut, [&](int64_t first, int64_t n) {
      double block_mean[kBlock], var[kBlock];
      combine_moments(cut, sums, in, first, n, block_mean, var);
      for (int64_t i = 0, c = first; i < n; i++, c++) {
        batch_mean[c] = float(block_mean[i]);
        batch_rstd[c] = float(1 / std::sqrt(var[i] + double(p.epsilon)));
        if (!to_mean) continue;
        to_mean[c] = float((1 - share) * to_mean[c] + share * block_mean[i]);
        if (p.rows > 1) to_var[c] = float((1 - share) * to_var[c] + share * var[i] * p.unbiased());
      }
    });
    scale_rows(cut, sums, p.activation, in, batch_mean, batch_rstd, gamma.as<float>(), beta.as<float>(),
               y.as<float>());
  }

  void forward_inference(Context& context, const BatchNormProblem& p, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                         ConstTensorView running_var, TensorView y) const override {
    const Cut cut(p);
    const Sums sums(cut, context);
    float* rstd = sums.per_column[3];
    for (int64_t c = 0; c < p.C; c++)
      rstd[c] = float(1 / std::sqrt(double(running_var.as<float>()[c]) + double(p.epsilon)));
    scale_rows(cut, sums, p.activation, x.as<float>(), running_mean.as<float>(), rstd, gamma.as<float>(),
               beta.as<float>(), y.as<float>());
  }

  void backward(Context& context, const BatchNormProblem& p, ConstTensorView x, ConstTensorView dy,
                ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                GradMode mode, TensorView dgamma, TensorView dbeta, GradMode parameter_mode) const override {
    const Cut cut(p);
    const Sums sums(cut, context);
    const float *in = x.as<float>(), *grad = dy.as<float>();
    const float *m = mean.as<float>(), *s = rstd.as<float>(), *g = gamma.as<float>();
    const auto [means, slopes, dy_means, scales] = sums.per_column;
    for (int64_t j = 0; j < cut.columns; j++) means[j] = m[j % p.C];
    cut.for_chunks([&](int64_t i) {
      const int64_t begin = cut.begin_of(i), to = i * cut.columns;
      HWY_DYNAMIC_DISPATCH(ChunkGradientSums)
      (in + begin, grad + begin, means, cut.rows_of(i), cut.columns, sums.first + to, sums.second + to);
    });
    float *to_gamma = dgamma.as<float>(), *to_beta = dbeta.as<float>();
    const bool add = parameter_mode == GradMode::accumulate;
    for_blocks(cut, [&](int64_t first, int64_t n) {
      double sum[kBlock], product[kBlock];
      combine_gradients(cut, sums, in, grad, m, first, n, sum, product);
      for (int64_t i = 0, c = first; i < n; i++, c++) {
        const double by_gamma = product[i] * s[c];
        to_beta[c] = float(sum[i] + (add ? to_beta[c] : 0.0));
        to_gamma[c] = float(by_gamma + (add ? to_gamma[c] : 0.0));
        for (int64_t j = c; j < cut.columns; j += p.C) {
          slopes[j] = float(by_gamma * s[c] / double(p.rows));
          dy_means[j] = float(sum[i] / double(p.rows));
          scales[j] = float(double(g[c]) * s[c]);
        }
      }
    });
    if (!dx) return;
    float* out = dx.as<float>();
    cut.for_rows([&](int64_t begin, int64_t rows, int64_t columns) {
      HWY_DYNAMIC_DISPATCH(GradientRows)
      (in + begin, grad + begin, means, slopes, dy_means, scales, out + begin, rows, columns,
       mode == GradMode::accumulate);
    });
  }

 private:
  // y = f((x - mean) rstd gamma + beta). rstd may be per_column[3].
  static void scale_rows(const Cut& cut, const Sums& sums, const Activation& f, const float* x,
                         const float* mean, const float* rstd, const float* gamma, const float* beta,
                         float* y) {
    const bool relu = f.kind == ActivationKind::relu;
    float *const means = sums.per_column[0], *const scales = sums.per_column[1],
                 *const shifts = sums.per_column[2];
    for (int64_t j = 0; j < cut.columns; j++) {
      const int64_t c = j % cut.C;
      means[j] = mean[c], scales[j] = float(double(gamma[c]) * rstd[c]), shifts[j] = beta[c];
    }
    cut.for_rows([&](int64_t begin, int64_t rows, int64_t columns) {
      HWY_DYNAMIC_DISPATCH(ScaleRows)
      (x + begin, means, scales, shifts, y + begin, rows, columns, relu);
    });
  }
};

}  // namespace

std::unique_ptr<BatchNorm> make_batchnorm() { return std::make_unique<CpuBatchNorm>(); }

}  // namespace gabor::cpu
#endif
