// What the kernels can do, and the memory they need.
#include <fmt/format.h>

#include "backends/cpu/first_block/backward_args.h"
#include "backends/cpu/first_block/forward_args.h"
#include "backends/cpu/first_block/kernels.h"

namespace gabor::cpu::first_block {

bool supported(const FirstBlockProblem& problem, std::string& reason) {
  const Conv2dProblem& conv = problem.conv;
  const Pool2dProblem& pool = problem.pool;
  const auto no = [&](std::string why) { return reason = std::move(why), false; };
  if (problem.input != DType::u8 && problem.input != DType::f32)
    return no(fmt::format("the input is {}; the fused first block takes u8 or f32", name_of(problem.input)));
  if (conv.stride_h != 1 || conv.stride_w != 1 || conv.dil_h != 1 || conv.dil_w != 1 || conv.groups != 1)
    return no("the fused first block takes a convolution with stride 1, no dilation and one group");
  if (conv.C > kMaxChannels)
    return no(fmt::format("{} input channels; the fused first block takes at most 4", conv.C));
  if (conv.R > kMaxKernel || conv.S > kMaxKernel)
    return no(fmt::format("a {}x{} kernel; the fused first block takes at most 11x11", conv.R, conv.S));
  if (conv.activation.kind != ActivationKind::relu)
    return no(
        fmt::format("the activation is {}; the fused first block takes relu", name_of(conv.activation.kind)));
  if (pool.kind != PoolKind::max || pool.R != 2 || pool.S != 2 || pool.stride_h != 2 || pool.stride_w != 2 ||
      pool.pad != Padding{})
    return no("the fused first block takes max pooling of 2x2 with stride 2 and no padding");
  if (pool.N != conv.N || pool.H != conv.P() || pool.W != conv.Q() || pool.C != conv.K)
    return no("the pooling's input is not the convolution's output");
  if (pool.P() != conv.P() / 2 || pool.Q() != conv.Q() / 2)
    return no("the fused first block takes no partial pooling window (odd size with ceil)");
  if (pool.P() < 1 || pool.Q() < 1) return no("the pooled map is empty");
  return true;
}

size_t argmax_bytes(const FirstBlockProblem& problem) { return size_t(Geometry(problem).argmax_bytes()); }

size_t workspace_bytes(const FirstBlockProblem& problem, int threads) {
  const Geometry g(problem);
  const int64_t forward =
      round_up(g.K * g.R * g.S * g.C, 16) + round_up(g.K, 16) + threads * ForwardScratch::floats(g);
  const int64_t parts = std::min(g.parts.count(), kChunksAtOnce * g.parts.of(0));
  const int64_t backward = parts * g.partial_floats() + threads * BackwardScratch::floats(g);
  return size_t(std::max(forward, backward)) * sizeof(float);
}

}  // namespace gabor::cpu::first_block
