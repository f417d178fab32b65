// Launchers of a classifier's head (what is computed: core/problem/head.h, ops/head.h), f32. Plain C++: no CUDA header is
// needed to call them.
#pragma once
#include <array>
#include <cstddef>

#include "core/problem/head.h"
#include "kernels/common/slices.h"
#include "kernels/common/storage.h"

namespace gabor::kernels {

// Device pointers, contiguous, aligned to their elements. With an array comes one a dense layer.
//   x, dx: N,H,W,C of the pooling, or N,C    pooled: N,P,Q,C    y, dz: N,K    w, dw: K,C    b, db: K
//   labels: N, or N,3; loss: 1; counts: 2 (softmax_xent/softmax_xent.h)
// May be null: pooled without pooling, dx, b, db.
struct HeadPointers {
  template <class T>
  using PerLayer = std::array<T*, HeadProblem::kMostLayers>;

  const float* x = nullptr;
  PerLayer<const float> w{}, b{};
  const int32_t* labels = nullptr;
  float* pooled = nullptr;
  PerLayer<float> y{}, dz{};
  float *dx = nullptr, *loss = nullptr;
  int32_t* counts = nullptr;
  PerLayer<float> dw{}, db{};
};

// Why a head that is one (fault_of) is better run op by op, or cannot be run here; null: it is taken.
const char* head_refuses(const HeadProblem& p);
size_t head_workspace_bytes(const HeadProblem& p);  // of JoinMemory::sums; head_rows needs one counter

// One launch each, enqueued on `stream`; no atomics but for a counter: the same input gives the same bits. simt::Error when
// the launch fails or the problem is refused.
//
// Writes pooled, y, dz, dx, loss, counts.
void head_rows(const HeadProblem& p, const HeadPointers& t, float scale, const JoinMemory& memory,
               Stream stream);
// From x (or pooled), y and dz: dw and db, or, if accumulate, adds them.
void head_wgrad(const HeadProblem& p, const HeadPointers& t, bool accumulate, Stream stream);

}  // namespace gabor::kernels
