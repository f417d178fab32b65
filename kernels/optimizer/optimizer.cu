#include "kernels/optimizer/optimizer.h"
#include "kernels/optimizer/update.cuh"

namespace gabor::kernels {
namespace {

OptimizerConstants constants_of(const OptimizerParams& p) {
  return {.weight_decay = p.weight_decay,
          .momentum = p.momentum,
          .beta1 = p.beta1,
          .beta2 = p.beta2,
          .one_minus_beta1 = float(1 - double(p.beta1)),
          .one_minus_beta2 = float(1 - double(p.beta2))};
}

}  // namespace

int64_t optimizer_blocks(int64_t count) {
  return simt::ceil_div(count, int64_t{OptimizerConfig::kBlockElements});
}

void optimizer_update(const OptimizerParams& p, const UpdateValues* values, const OptimizerSegment* segments,
                      const int32_t* block_starts, int32_t segment_count, int32_t blocks,
                      const OptimizerTensors& tensors, void* stream) {
  if (blocks == 0) return;
  const auto run = [&](auto kernel) {
    const LaunchConfig config{dim3(unsigned(blocks)), dim3(OptimizerConfig::kThreads), 0,
                              static_cast<decltype(LaunchConfig::stream)>(stream)};
    launch(config, kernel, constants_of(p), values, segments, block_starts, segment_count, tensors);
  };
  switch (p.rule) {
    case OptimizerRule::sgd:
      return run(optimizer_step<OptimizerConfig, OptimizerRule::sgd>);
    case OptimizerRule::momentum:
      return run(optimizer_step<OptimizerConfig, OptimizerRule::momentum>);
    case OptimizerRule::nesterov:
      return run(optimizer_step<OptimizerConfig, OptimizerRule::nesterov>);
    case OptimizerRule::adam:
      return run(optimizer_step<OptimizerConfig, OptimizerRule::adam>);
    case OptimizerRule::adamw:
      return run(optimizer_step<OptimizerConfig, OptimizerRule::adamw>);
  }
}

}  // namespace gabor::kernels
