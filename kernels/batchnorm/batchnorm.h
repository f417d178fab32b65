// Launchers of batch normalisation, forward and backward (what is computed: core/problem/batchnorm.h). Plain C++: no
// CUDA header is needed to call them. `storage` is the type of x, y, dy and dx; statistics, parameters and their
// gradients are float.
//   x, y, dy, dx: rows,C, rows = N*H*W (channels last)    all others: C
// All are device pointers, contiguous, of any alignment (128-bit accesses where C and alignment allow). Work is
// enqueued on `stream`. No atomics: the same input, slices and rung give the same bits. simt::Error when a launch fails or an
// extent does not fit. Nothing is done when rows or C is 0.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/common/storage.h"

namespace gabor::kernels {

struct BatchnormProblem {
  int64_t rows = 1, C = 1;  // rows * C may exceed 2^31; rows and C may not
  float epsilon = 1e-3f;
};

// naive: a thread a channel, then a thread an element. tiled: a block a tile of channels and a slice of rows.
enum class BatchnormRung { automatic, naive, tiled };

// How many slices the rows are cut into (the workspace grows with them), and the bytes of workspace, which is aligned
// to 4. Any number of slices from 1 to 65,535 gives a right result; this one fills a device of so many multiprocessors.
int64_t batchnorm_slices(int64_t rows, int64_t C, int multiprocessors);
size_t batchnorm_workspace_bytes(int64_t rows, int64_t C, int64_t slices);

struct BatchnormWorkspace {
  void* memory = nullptr;
  int64_t slices = 1;
};

// y = gamma (x - mean) rstd + beta, or the larger of that and 0 if relu (NaN stays), with mean and rstd of the batch,
// which are written too; the running statistics are moved by momentum, running_var towards the unbiased variance, and
// not at all when rows is 1.
struct BatchnormTraining {
  float momentum = 0.1f;
  bool relu = false;
  const void* x = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
  void* y = nullptr;              // may be x
  float* mean = nullptr;          // for the backward
  float* rstd = nullptr;          // for the backward
  float* running_mean = nullptr;  // may be null, and so may running_var
  float* running_var = nullptr;
};
void batchnorm_forward_training(const BatchnormProblem& p, Storage storage, const BatchnormTraining& t,
                                const BatchnormWorkspace& workspace, Stream stream,
                                BatchnormRung rung = BatchnormRung::automatic);

// y = gamma (x - running_mean) / sqrt(running_var + epsilon) + beta, or the larger of that and 0 if relu.
struct BatchnormInference {
  bool relu = false;
  const void* x = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
  const float* running_mean = nullptr;
  const float* running_var = nullptr;
  void* y = nullptr;  // may be x
};
void batchnorm_forward_inference(const BatchnormProblem& p, Storage storage, const BatchnormInference& t,
                                 Stream stream, BatchnormRung rung = BatchnormRung::automatic);

// Of batchnorm_forward_training without relu (the caller zeroes dy where relu did y). With xhat = (x - mean) rstd:
//   dgamma (+)= sum over rows of dy xhat     dbeta (+)= sum over rows of dy
//   dx (+)= gamma rstd (dy - (sum of dy) / rows - xhat (sum of dy xhat) / rows)
struct BatchnormBackward {
  const void* x = nullptr;
  const void* dy = nullptr;
  const float* gamma = nullptr;
  const float* mean = nullptr;
  const float* rstd = nullptr;
  void* dx = nullptr;  // null: not wanted; may be dy (overwrite only)
  float* dgamma = nullptr;
  float* dbeta = nullptr;
  bool accumulate_dx = false;
  bool accumulate_parameters = false;  // dgamma and dbeta
};
void batchnorm_backward(const BatchnormProblem& p, Storage storage, const BatchnormBackward& t,
                        const BatchnormWorkspace& workspace, Stream stream,
                        BatchnormRung rung = BatchnormRung::automatic);

}  // namespace gabor::kernels
