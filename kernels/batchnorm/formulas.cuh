// What the rungs share: the formulas of one channel and of one element (core/problem/batchnorm.h has them as text).
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::kernels::batchnorm {

// Where the statistics of a training step go: C floats each; running_* may be null.
struct StatisticsParams {
  int64_t rows;
  float epsilon, momentum;
  float *mean, *rstd, *running_mean, *running_var;
};

__device__ inline float rstd_of(float var, float epsilon) { return 1.0f / sqrtf(var + epsilon); }

// m2: the sum of (x - mean)^2 over all rows of channel c.
__device__ inline void store_statistics(const StatisticsParams& p, int64_t c, float mean, float m2) {
  p.mean[c] = mean;
  p.rstd[c] = rstd_of(m2 / float(p.rows), p.epsilon);
  const float keep = 1.0f - p.momentum;
  if (p.running_mean != nullptr) p.running_mean[c] = keep * p.running_mean[c] + p.momentum * mean;
  if (p.running_var != nullptr && p.rows > 1)  // a single row has no unbiased variance
    p.running_var[c] = keep * p.running_var[c] + p.momentum * (m2 / float(p.rows - 1));
}

// From x to y. rstd, or else var, which it is then computed from.
struct ApplyParams {
  const float *mean, *rstd, *var, *gamma, *beta;  // C
  float epsilon;
  bool relu;
};

struct ChannelMap {
  float mean, scale, beta;
  bool relu;

  __device__ float operator()(float x) const {
    const float y = (x - mean) * scale + beta;  // x - mean first: not a difference of two large products
    return relu && y <= 0.0f ? 0.0f : y;
  }
};

__device__ inline ChannelMap channel_map(const ApplyParams& p, int64_t c) {
  const float rstd = p.rstd != nullptr ? p.rstd[c] : rstd_of(p.var[c], p.epsilon);
  return {p.mean[c], p.gamma[c] * rstd, p.beta[c], p.relu};
}

// Where the sums of a backward go: C floats each. batch_*: the sums divided by rows, for dx, whether or not dgamma and
// dbeta are added to.
struct ParameterGradients {
  int64_t rows;
  bool accumulate;
  float *dgamma, *dbeta, *batch_dgamma, *batch_dbeta;
};

__device__ inline void store_gradients(const ParameterGradients& p, int64_t c, float dgamma, float dbeta) {
  p.batch_dgamma[c] = dgamma / float(p.rows);
  p.batch_dbeta[c] = dbeta / float(p.rows);
  p.dgamma[c] = p.accumulate ? p.dgamma[c] + dgamma : dgamma;
  p.dbeta[c] = p.accumulate ? p.dbeta[c] + dbeta : dbeta;
}

// From x and dy to dx.
struct InputGradientParams {
  const float *mean, *rstd, *gamma, *batch_dgamma, *batch_dbeta;  // C
};

struct ChannelGradient {
  float mean, rstd, scale, batch_dgamma, batch_dbeta;

  __device__ float operator()(float x, float dy) const {
    return scale * (dy - batch_dbeta - (x - mean) * rstd * batch_dgamma);
  }
};

__device__ inline ChannelGradient channel_gradient(const InputGradientParams& p, int64_t c) {
  return {p.mean[c], p.rstd[c], p.gamma[c] * p.rstd[c], p.batch_dgamma[c], p.batch_dbeta[c]};
}

}  // namespace gabor::kernels::batchnorm
