// Launcher of the mean-squared-error loss of classes: loss, gradient and right answers of a batch in one pass (the
// contract is ops/loss.h, kind mse). Plain C++: no CUDA header is needed to call it. Arithmetic is float.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/common/slices.h"
#include "kernels/common/storage.h"

namespace gabor::kernels {

// Row loss: mean over k of (y[k] - onehot(label)[k])^2.
struct MseProblem {
  int64_t N = 1, K = 2;     // rows, classes
  float scale = 1;          // of dy: 1 / rows that count in the whole batch
  bool two_labels = false;  // w onehot(first) + (1-w) onehot(second) for onehot(label)
};

// Device pointers, contiguous, any alignment.
//   y, dy: N,K    of type `storage`; dy = scale 2/K (y - onehot(label)), 0 where the label is -1; may be null
//   labels: N     0..K-1, or -1 for a row that does not count; two_labels: N,3, first (or -1), second, w in 65536ths.
//                 Any other: the row's loss and dy are NaN
//   loss: 1       sum of the row losses
//   counts: 2     rows that count; of these, the ones whose largest y (the first of equals) is the (first) label's; a row
//                 with a NaN is wrong
//   memory        sums of mse_workspace_bytes; one counter
struct MseTensors {
  const void* y;
  const int32_t* labels;
  void* dy;
  float* loss;
  int32_t* counts;
  JoinMemory memory;
};

// naive: a thread a row. warp: a warp a row. automatic: naive up to 8 classes.
enum class MseRung { automatic, naive, warp };

size_t mse_workspace_bytes(const MseProblem& p);

// One launch on `stream` (a cudaStream_t): rows and block sums, and the sum of these, in one order, so that the same input
// gives the same bits. simt::Error when a launch fails or an extent does not fit.
void mse(const MseProblem& p, Storage storage, const MseTensors& t, Stream stream,
         MseRung rung = MseRung::automatic);

}  // namespace gabor::kernels
