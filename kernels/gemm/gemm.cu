#include <algorithm>
#include <climits>
#include <string>

#include "kernels/gemm/call.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/naive.cuh"

namespace gabor::gemm {
namespace {

struct Sizes {
  int64_t M, N, K;
};

Sizes sizes_of(const DenseProblem& p, Pass pass) {
  switch (pass) {
    case Pass::fprop:
      return {p.N, p.K, p.C};
    case Pass::dgrad:
      return {p.N, p.C, p.K};
    case Pass::wgrad:
      break;
  }
  return {p.K, p.C, p.N};
}

// Indices run past the ends by less than this: one step for each split, the largest step being 512.
constexpr int kRoom = kMaxSplits * 1024;

int edge_of(Rung rung) { return rung == Rung::ffma_128 || rung == Rung::tensor_128 ? 128 : 64; }

// Blocks of a launch without splits, at most.
int64_t tiles_of(const DenseProblem& p, Pass pass, const Plan& plan) {
  const Sizes s = sizes_of(p, pass);
  if (plan.rung != Rung::skinny) {
    const int64_t edge = edge_of(plan.rung);
    return simt::ceil_div(s.M, edge) * simt::ceil_div(s.N, edge);
  }
  if (pass == Pass::fprop) return simt::ceil_div<int64_t>(p.N, 4);
  return simt::ceil_div<int64_t>(p.C, 512) * (pass == Pass::dgrad ? simt::ceil_div<int64_t>(p.N, 32) : 1);
}

int64_t counters_of(const DenseProblem& p, Pass pass, const Plan& plan) {
  return kernels::join_counters(tiles_of(p, pass, plan), plan.splits);
}

[[noreturn]] void refuse(const DenseProblem& p, const std::string& why) {
  throw simt::Error("gemm of a dense layer N=" + std::to_string(p.N) + " C=" + std::to_string(p.C) +
                    " K=" + std::to_string(p.K) + ": " + why);
}

// Pass, plan and sizes, checked.
Call begin_call(const Plan& plan, const DenseProblem& p, Pass pass, Storage storage, const JoinMemory& memory,
                void* stream) {
  for (const int64_t size : {p.N, p.C, p.K})
    if (size < 1 || size > INT_MAX - kRoom) refuse(p, "sizes must be at least 1 and fit 32 bits");
  if (plan.splits < 1 || plan.splits > kMaxSplits) refuse(p, "a plan has 1 to 256 splits");
  if (plan.splits > 1 && (plan.rung == Rung::naive || (plan.rung == Rung::skinny && pass == Pass::dgrad)))
    refuse(p, "this plan cannot split the reduction");
  if (plan.rung == Rung::skinny && p.K > kSkinny) refuse(p, "the skinny plan takes 16 outputs at most");
  if (plan.rung == Rung::ffma_128 && storage != Storage::f32) refuse(p, "ffma_128 takes f32 only");
  const Sizes s = sizes_of(p, pass);
  const int64_t edge = plan.rung == Rung::naive ? 16 : edge_of(plan.rung);  // naive: 256 elements a block
  if ((s.M / edge + 1) * (s.N / edge + 1) > INT_MAX || (plan.rung == Rung::skinny && p.N > 65535 * 32))
    refuse(p, "more blocks than a launch can have");
  if (plan.splits > 1 && (memory.sums == nullptr || memory.counters == nullptr))
    refuse(p, "a split reduction needs its workspace and counters");
  if (counters_of(p, pass, plan) > kernels::kJoinCounters)
    refuse(p, "more tiles than a split reduction can have");
  return {.pass = pass,
          .storage = storage,
          .plan = plan,
          .memory = memory,
          .M = int(s.M),
          .N = int(s.N),
          .K = int(s.K),
          .stream = stream};
}

void run(const Call& call) {
  switch (call.plan.rung) {
    case Rung::naive:
      with_types(call, [&]<Pass kPass, class Element>() {
        const unsigned blocks = unsigned(simt::ceil_div<int64_t>(outputs_of(call), NaiveConfig::kThreads));
        launch(on_stream(call, dim3(blocks), NaiveConfig::kThreads),
               naive_gemm<NaiveConfig, Params<kPass, Element>>, params_of<kPass, Element>(call, 1));
      });
      break;
    case Rung::ffma_64:
    case Rung::ffma_128:
      launch_ffma(call);
      break;
    case Rung::tensor_64:
    case Rung::tensor_128:
      launch_tensor(call);
      break;
    case Rung::skinny:
      launch_skinny(call);
      break;
  }
}

Call dgrad_call(const Backward& b, const DenseProblem& p, Storage storage, const JoinMemory& memory,
                void* stream) {
  Call call = begin_call(b.dgrad, p, Pass::dgrad, storage, memory, stream);
  call.a = b.dy, call.y = b.y, call.b = b.w, call.d = b.dx, call.accumulate = b.accumulate_dx;
  return call;
}

Call wgrad_call(const Backward& b, const DenseProblem& p, Storage storage, const JoinMemory& memory,
                void* stream) {
  Call call = begin_call(b.wgrad, p, Pass::wgrad, storage, memory, stream);
  call.a = b.dy, call.y = b.y, call.b = b.x, call.d = b.dw, call.db = b.db, call.accumulate = b.accumulate_dw;
  return call;
}

// Whether backward is one launch: its kernels are for these rungs, and counters and blocks have to do for both passes.
bool one_launch(const DenseProblem& p, const Plan& dgrad, const Plan& wgrad) {
  const auto blocks = [&](Pass pass, const Plan& plan) { return tiles_of(p, pass, plan) * plan.splits; };
  return dgrad.rung == wgrad.rung && (dgrad.rung == Rung::skinny || dgrad.rung == Rung::ffma_64) &&
         counters_of(p, Pass::dgrad, dgrad) + counters_of(p, Pass::wgrad, wgrad) <= kernels::kJoinCounters &&
         blocks(Pass::dgrad, dgrad) + blocks(Pass::wgrad, wgrad) <= INT_MAX;
}

}  // namespace

Plan choose(const DenseProblem& p, Pass pass, Storage storage, bool allow_tf32, const Gpu& gpu) {
  const Sizes s = sizes_of(p, pass);
  const int64_t wanted = 2 * int64_t(gpu.multiprocessors);  // blocks
  // Each split still reduces several steps, and its sums go to memory and back: no more than fill the GPU.
  const auto splits_for = [&](int64_t blocks, int64_t shortest) {
    const int64_t most = std::min<int64_t>(kMaxSplits, s.K / shortest);
    return int(std::clamp<int64_t>(wanted / std::max<int64_t>(blocks, 1), 1, std::max<int64_t>(most, 1)));
  };
  if (p.K <= kSkinny) {
    if (pass == Pass::dgrad) return {Rung::skinny, 1};
    const bool fprop = pass == Pass::fprop;
    const int64_t blocks = fprop ? simt::ceil_div<int64_t>(p.N, 8) : simt::ceil_div<int64_t>(p.C, 512);
    return {Rung::skinny, splits_for(blocks, fprop ? 2048 : 64)};
  }
  const bool tensor = gpu.capability >= 80 && (storage != Storage::f32 || allow_tf32);
  const auto tiles = [&](int64_t edge) { return simt::ceil_div(s.M, edge) * simt::ceil_div(s.N, edge); };
  const bool large = tiles(128) >= gpu.multiprocessors && (tensor || storage == Storage::f32);
  const Rung rung = tensor  ? (large ? Rung::tensor_128 : Rung::tensor_64)
                    : large ? Rung::ffma_128
                            : Rung::ffma_64;
  return {rung, splits_for(tiles(edge_of(rung)), 128)};
}

size_t workspace_bytes(const DenseProblem& p, Pass pass, const Plan& plan) {
  const Sizes s = sizes_of(p, pass);
  const int64_t outputs = s.M * s.N + (pass == Pass::wgrad ? s.M : 0);
  return plan.splits > 1 ? size_t(plan.splits) * size_t(outputs) * sizeof(float) : 0;
}

void fprop(const Plan& plan, const DenseProblem& p, Storage storage, const void* x, const void* w,
           const float* b, void* y, const JoinMemory& memory, void* stream) {
  const ActivationKind kind = p.activation.kind;
  if (kind != ActivationKind::none && kind != ActivationKind::relu)
    refuse(p, "of activations, only relu is an epilogue of the product");
  Call call = begin_call(plan, p, Pass::fprop, storage, memory, stream);
  call.a = x, call.b = w, call.bias = b, call.d = y;
  call.relu = kind == ActivationKind::relu;
  run(call);
}

void dgrad(const Plan& plan, const DenseProblem& p, Storage storage, const void* dy, const void* w, void* dx,
           bool accumulate, const JoinMemory& memory, void* stream) {
  run(dgrad_call({.dgrad = plan, .w = w, .dy = dy, .dx = dx, .accumulate_dx = accumulate}, p, storage, memory,
                 stream));
}

void wgrad(const Plan& plan, const DenseProblem& p, Storage storage, const void* x, const void* dy, float* dw,
           float* db, bool accumulate, const JoinMemory& memory, void* stream) {
  run(wgrad_call({.wgrad = plan, .x = x, .dy = dy, .dw = dw, .db = db, .accumulate_dw = accumulate}, p,
                 storage, memory, stream));
}

size_t backward_workspace_bytes(const DenseProblem& p, const Plan& dgrad, const Plan& wgrad) {
  return workspace_bytes(p, Pass::dgrad, dgrad) + workspace_bytes(p, Pass::wgrad, wgrad);
}

bool backward_takes_relu(const DenseProblem& p, const Plan& dgrad, const Plan& wgrad) {
  return one_launch(p, dgrad, wgrad) && dgrad.rung == Rung::ffma_64;
}

void backward(const Backward& b, const DenseProblem& p, Storage storage, const JoinMemory& memory,
              void* stream) {
  if (b.y != nullptr && !backward_takes_relu(p, b.dgrad, b.wgrad))
    refuse(p, "these plans do not take the gradient through ReLU");
  const Call dx = dgrad_call(b, p, storage, memory, stream);
  if (!one_launch(p, b.dgrad, b.wgrad)) {
    run(dx);
    return run(wgrad_call(b, p, storage, memory, stream));
  }
  JoinMemory rest = memory;  // what dgrad leaves
  if (rest.sums) rest.sums += workspace_bytes(p, Pass::dgrad, b.dgrad) / sizeof(float);
  if (rest.counters) rest.counters += counters_of(p, Pass::dgrad, b.dgrad);
  const Call dw = wgrad_call(b, p, storage, rest, stream);
  return b.dgrad.rung == Rung::skinny ? launch_skinny_backward(dx, dw) : launch_ffma_backward(dx, dw);
}

}  // namespace gabor::gemm
