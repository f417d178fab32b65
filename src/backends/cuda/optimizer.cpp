#include "kernels/optimizer/optimizer.h"

#include <vector>

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"

namespace gabor::cuda {
namespace {

// In device memory: the segments, then the first block of each and their number.
struct Layout {
  explicit Layout(std::span<const ParameterSegment> segments)
      : count(segments.size()), starts_offset(aligned(count * sizeof(kernels::OptimizerSegment))) {}
  size_t bytes() const { return starts_offset + (count + 1) * sizeof(int32_t); }

  size_t count, starts_offset;
};

std::vector<int32_t> block_starts(std::span<const ParameterSegment> segments) {
  std::vector<int32_t> starts{0};
  for (const ParameterSegment& s : segments)
    starts.push_back(starts.back() + int32_t(kernels::optimizer_blocks(s.count)));
  return starts;
}

int32_t block_count(std::span<const ParameterSegment> segments) {
  int64_t blocks = 0;
  for (const ParameterSegment& s : segments) blocks += kernels::optimizer_blocks(s.count);
  return int32_t(blocks);
}

class CudaOptimizer final : public Optimizer {
 public:
  Support supports(const OptimizerProblem&) const override { return Support::yes(); }

  size_t layout_bytes(std::span<const ParameterSegment> segments) const override {
    return Layout(segments).bytes();
  }
  void write_layout(Device& device, std::span<const ParameterSegment> segments, void* layout) const override {
    std::vector<kernels::OptimizerSegment> list;
    for (const ParameterSegment& s : segments) list.push_back({s.offset, s.count, s.decay});
    const std::vector<int32_t> starts = block_starts(segments);
    device.copy_to(layout, list.data(), list.size() * sizeof list[0]);
    device.copy_to(static_cast<char*>(layout) + Layout(segments).starts_offset, starts.data(),
                   starts.size() * sizeof starts[0]);
  }

  void update(Context& context, const OptimizerProblem& p, std::span<const ParameterSegment> segments,
              const void* layout, TensorView params, ConstTensorView grads, TensorView m, TensorView v,
              const NormResult* norm) const override {
    GABOR_CHECK(layout != nullptr);
    const auto* list = static_cast<const kernels::OptimizerSegment*>(layout);
    const void* starts = static_cast<const char*>(layout) + Layout(segments).starts_offset;
    launching(context, name_of(p.kind), params.count(), [&] {
      kernels::optimizer_update({.rule = kernels::OptimizerRule(p.kind),
                                 .momentum = p.momentum,
                                 .beta1 = p.beta1,
                                 .beta2 = p.beta2,
                                 .epsilon = p.epsilon,
                                 .weight_decay = p.weight_decay},
                                &context.step->update, list, static_cast<const int32_t*>(starts),
                                int32_t(segments.size()), block_count(segments),
                                {params.as<float>(), grads.as<float>(), m.as<float>(), v.as<float>(), norm},
                                context.stream.handle);
    });
  }
};

static_assert(int(kernels::OptimizerRule::adamw) == int(OptimizerKind::adamw) &&
              int(kernels::OptimizerRule::momentum) == int(OptimizerKind::momentum));

}  // namespace

std::unique_ptr<Optimizer> make_optimizer() { return std::make_unique<CudaOptimizer>(); }

}  // namespace gabor::cuda
