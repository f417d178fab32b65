#include "kernels/head/head.h"

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"

namespace gabor::cuda {
namespace {

class CudaHead final : public Head {
 public:
  explicit CudaHead(const Counters& counters) : counters_(counters.data()) {}

  Support supports(const HeadProblem& p) const override {
    if (const std::string fault = fault_of(p); !fault.empty()) return Support::no(fault);
    const char* reason = kernels::head_refuses(p);
    return reason ? Support::no(reason) : Support::yes();
  }
  size_t workspace_bytes(const HeadProblem& p) const override { return kernels::head_workspace_bytes(p); }

  void run(Context& context, const HeadProblem& p, const HeadTensors& t, float scale) const override {
    const kernels::JoinMemory memory{workspace(context, workspace_bytes(p)), counters_};
    kernels::HeadPointers all = floats(p, t);
    all.labels = t.labels.as<int32_t>(), all.counts = t.counts.as<int32_t>();
    launching(
        context, "head", [&] { return to_string(p); },
        [&] { kernels::head_rows(p, all, scale, memory, context.stream.handle); });
  }

  void wgrad(Context& context, const HeadProblem& p, const HeadTensors& t, GradMode mode) const override {
    launching(
        context, "head wgrad", [&] { return to_string(p); },
        [&] { kernels::head_wgrad(p, floats(p, t), mode == GradMode::accumulate, context.stream.handle); });
  }

 private:
  static kernels::HeadPointers floats(const HeadProblem& p, const HeadTensors& t) {
    kernels::HeadPointers out;
    out.x = t.x.as<float>(), out.pooled = t.pooled.as<float>(), out.dx = t.dx.as<float>();
    out.loss = t.loss.as<float>();
    for (size_t i = 0; i < size_t(p.layers); i++) {
      out.w[i] = t.w[i].as<float>(), out.b[i] = t.b[i].as<float>();
      out.y[i] = t.y[i].as<float>(), out.dz[i] = t.dz[i].as<float>();
      out.dw[i] = t.dw[i].as<float>(), out.db[i] = t.db[i].as<float>();
    }
    return out;
  }

  unsigned* counters_;
};

}  // namespace

std::unique_ptr<Head> make_head(const Counters& counters) { return std::make_unique<CudaHead>(counters); }

}  // namespace gabor::cuda
