#include "core/text.h"
#include "gpu/workloads.h"
#include "kernels/gemm/gemm.h"

namespace gabor::bench {
namespace {

using gemm::Pass;
using gemm::Plan;
using gemm::Rung;
using gemm::Storage;

const char* name_of(Pass pass) {
  return pass == Pass::fprop ? "fprop" : pass == Pass::dgrad ? "dgrad" : "wgrad";
}

struct NamedRung {
  Rung rung;
  const char* name;
};
constexpr NamedRung kRungs[] = {{Rung::naive, "naive"},         {Rung::ffma_64, "ffma_64"},
                                {Rung::ffma_128, "ffma_128"},   {Rung::skinny, "skinny"},
                                {Rung::tensor_64, "tensor_64"}, {Rung::tensor_128, "tensor_128"}};
bool by_tensor_cores(Rung rung) { return rung == Rung::tensor_64 || rung == Rung::tensor_128; }

Workload make(Gpu& gpu, const std::string& tag, const DenseProblem& p, Pass pass) {
  const Memory memory(gpu);
  float *const x = memory.floats(p.N * p.C), *const w = memory.floats(p.K * p.C),
               *const y = memory.floats(p.N * p.K), *const b = memory.floats(p.K),
               *const dx = memory.floats(p.N * p.C), *const dw = memory.floats(p.K * p.C);
  Workload workload{"gemm", name_of(pass), tag, to_string(p), {}};
  const double bytes =
      4 * (double(p.N) * double(p.C) + double(p.K) * double(p.C) + double(p.N) * double(p.K));
  void* const stream = gpu.stream();
  const auto add = [&](const std::string& name, const Plan& plan) {
    const kernels::JoinMemory scratch = memory.join(gemm::workspace_bytes(p, pass, plan));
    const auto launch = [=] {
      (void)memory;
      if (pass == Pass::fprop) gemm::fprop(plan, p, Storage::f32, x, w, b, y, scratch, stream);
      if (pass == Pass::dgrad) gemm::dgrad(plan, p, Storage::f32, y, w, dx, false, scratch, stream);
      if (pass == Pass::wgrad) gemm::wgrad(plan, p, Storage::f32, x, y, dw, nullptr, false, scratch, stream);
    };
    const Math math = by_tensor_cores(plan.rung) ? Math::tf32 : Math::f32;
    workload.candidates.push_back({name, math, double(p.flops()), bytes, launch});
  };
  const auto name_of_plan = [](const Plan& plan) {
    for (const NamedRung& r : kRungs)
      if (r.rung == plan.rung) return fmt::format("chosen: {} in {} parts", r.name, plan.splits);
    return std::string("chosen");
  };

  const bool tensor_cores = gpu.code_capability() >= 80;
  for (const NamedRung& r : kRungs) {
    if (by_tensor_cores(r.rung) && !tensor_cores) continue;
    if (r.rung == Rung::skinny && p.K > gemm::kSkinny) continue;
    add(r.name, {r.rung, 1});
  }
  // What the backend would take, with its parts of the reduction; without TF32 and with it.
  const gemm::Gpu card{gpu.code_capability(), gpu.device().multiprocessors()};
  const Plan plain = gemm::choose(p, pass, Storage::f32, false, card);
  const Plan rounded = gemm::choose(p, pass, Storage::f32, true, card);
  add(name_of_plan(plain), plain);
  if (by_tensor_cores(rounded.rung)) add(name_of_plan(rounded), rounded);
  return workload;
}

}  // namespace

std::vector<WorkloadMaker> dense_workloads(Gpu& gpu) {
  struct Layer {
    const char* tag;
    int64_t C, K;
  };
  std::vector<WorkloadMaker> makers;
  for (const Layer& layer : {Layer{"article", 148 * 148 * 10, 2}, Layer{"lenet", 400, 120},
                             Layer{"lenet", 120, 84}, Layer{"lenet", 84, 10}, Layer{"vgg", 4096, 4096}})
    for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
      makers.push_back([&gpu, layer, pass] {
        return make(gpu, layer.tag, {.N = 128, .C = layer.C, .K = layer.K, .activation = {}}, pass);
      });
  return makers;
}

}  // namespace gabor::bench
