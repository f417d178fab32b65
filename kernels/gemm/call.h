// Inside this folder: a checked call of any pass, on its way from gemm.cu to the launcher of its rung.
#pragma once
#include "kernels/common/dispatch.cuh"
#include "kernels/gemm/params.cuh"

namespace gabor::gemm {

struct Call {
  Pass pass = Pass::fprop;
  Storage storage = Storage::f32;
  Plan plan;
  const void *a = nullptr, *b = nullptr;  // gemm.h: mapping
  const float* bias = nullptr;
  const void* y = nullptr;  // of backward through ReLU
  void* d = nullptr;
  float* db = nullptr;
  JoinMemory memory;
  int M = 1, N = 1, K = 1;
  bool relu = false, accumulate = false;
  void* stream = nullptr;
};

// Elements of D and db.
inline int64_t outputs_of(const Call& call) {
  return int64_t(call.M) * call.N + (call.db != nullptr ? call.M : 0);
}

// What the kernels get. k is split into whole steps of step_k: the last parts may be short, or empty.
template <Pass kPass, class Element>
Params<kPass, Element> params_of(const Call& call, int step_k) {
  using P = Params<kPass, Element>;
  const int steps = simt::ceil_div(call.K, step_k);
  const auto whole = [&](unsigned elements) {
    return reinterpret_cast<uintptr_t>(call.d) % (elements * sizeof(typename P::Result)) == 0 &&
           unsigned(call.N) % elements == 0;
  };
  return {.a = static_cast<const Element*>(call.a),
          .b = static_cast<const Element*>(call.b),
          .bias = call.bias,
          .d = static_cast<typename P::Result*>(call.d),
          .db = call.db,
          .parts = {call.memory.sums, outputs_of(call), call.plan.splits, call.memory.counters},
          .M = call.M,
          .N = call.N,
          .K = call.K,
          .k_per_split = int(simt::ceil_div<int64_t>(steps, call.plan.splits)) * step_k,
          .relu = call.relu,
          .accumulate = call.accumulate,
          .d_pairs = whole(2),
          .d_quads = whole(4)};
}

// f.operator()<kPass, Element>() for what the call says.
template <class F>
void with_types(const Call& call, F f) {
  kernels::with_element(call.storage, [&]<class Element>(Element) {
    switch (call.pass) {
      case Pass::fprop:
        return f.template operator()<Pass::fprop, Element>();
      case Pass::dgrad:
        return f.template operator()<Pass::dgrad, Element>();
      case Pass::wgrad:
        return f.template operator()<Pass::wgrad, Element>();
    }
  });
}

// Whether every row of A and of B starts at a multiple of `bytes`.
inline bool rows_aligned(const Call& call, int bytes) {
  const int size = call.storage == Storage::f32 ? 4 : 2;
  const int a_row = a_rows_along_k(call.pass) ? call.K : call.M,
            b_row = b_rows_along_k(call.pass) ? call.K : call.N;
  const auto whole = [&](const void* p, int row) {
    return reinterpret_cast<uintptr_t>(p) % bytes == 0 && row % (bytes / size) == 0;
  };
  return whole(call.a, a_row) && whole(call.b, b_row);
}

// The same of what the skinny kernels load by quads: not A of dgrad and wgrad, the narrow matrix.
inline bool wide_rows_aligned(const Call& call) {
  const size_t size = call.storage == Storage::f32 ? 4 : 2;
  const auto whole = [&](const void* p, int row) {
    return reinterpret_cast<uintptr_t>(p) % (4 * size) == 0 && row % 4 == 0;
  };
  return whole(call.b, b_rows_along_k(call.pass) ? call.K : call.N) &&
         (call.pass != Pass::fprop || whole(call.a, call.K));
}

// A launch on the call's stream.
inline LaunchConfig on_stream(const Call& call, dim3 grid, int threads, size_t shared = 0) {
  LaunchConfig config;
  config.grid = grid;
  config.block = dim3(unsigned(threads));
  config.smem = shared;
  config.stream = static_cast<decltype(config.stream)>(call.stream);
  return config;
}

void launch_ffma(const Call& call);
void launch_tensor(const Call& call);
void launch_skinny(const Call& call);
// Both gradients of a layer in one launch; both calls have plans of ffma_64 (skinny).
void launch_ffma_backward(const Call& dgrad, const Call& wgrad);
void launch_skinny_backward(const Call& dgrad, const Call& wgrad);

}  // namespace gabor::gemm
