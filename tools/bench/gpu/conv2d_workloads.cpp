#include <iterator>

#include "core/error.h"
#include "gpu/workloads.h"
#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/tensor_core.h"

namespace gabor::bench {
namespace {

using namespace kernels::conv2d;

// A rung's launchers behind one face.
struct Rung {
  const char* name;
  Math math;
  bool (*takes)(const Conv2dProblem& p, int capability);
  void (*fprop)(const Conv2dProblem&, Storage, const void* x, const void* w, const float* b, void* y, Stream);
  void (*dgrad)(const Conv2dProblem&, Storage, const void* dy, const void* w, void* dx, bool accumulate,
                Stream);
  int (*slices)(const Conv2dProblem&, int multiprocessors);
  size_t (*workspace)(const Conv2dProblem&, int slices);
  void (*wgrad)(const Conv2dProblem&, Storage, const void* x, const void* dy, float* dw, float* db,
                bool accumulate, int slices, const kernels::JoinMemory& memory, Stream);
};

void unsliced_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                    float* db, bool accumulate, int, const kernels::JoinMemory&, Stream stream) {
  direct_wgrad(p, storage, x, dy, dw, db, accumulate, stream);
}
// The rung on tensor cores, f32 as TF32.
void tf32_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                void* y, Stream stream) {
  tensor_fprop(p, storage, x, w, b, y, stream);
}
void tf32_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                bool accumulate, Stream stream) {
  tensor_dgrad(p, storage, dy, w, dx, accumulate, stream);
}
void tf32_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw, float* db,
                bool accumulate, int slices, const kernels::JoinMemory& memory, Stream stream) {
  tensor_wgrad(p, storage, x, dy, dw, db, accumulate, slices, memory, stream);
}
bool has_tensor_cores(const Conv2dProblem& p, int capability) {
  return capability >= 80 && implicit_gemm_fits(p);
}

constexpr Rung kRungs[] = {
    {"direct", Math::f32, [](const Conv2dProblem&, int) { return true; }, direct_fprop, direct_dgrad,
     [](const Conv2dProblem&, int) { return 1; }, [](const Conv2dProblem&, int) { return size_t{0}; },
     unsliced_wgrad},
    {"implicit_gemm", Math::f32, [](const Conv2dProblem& p, int) { return implicit_gemm_fits(p); },
     implicit_fprop, implicit_dgrad, implicit_wgrad_slices, implicit_wgrad_workspace, implicit_wgrad},
    {"depthwise", Math::f32, [](const Conv2dProblem& p, int) { return depthwise_refuses(p) == nullptr; },
     depthwise_fprop, depthwise_dgrad, depthwise_wgrad_slices, depthwise_wgrad_workspace, depthwise_wgrad},
    {"tensor", Math::tf32, has_tensor_cores, tf32_fprop, tf32_dgrad, tensor_wgrad_slices,
     tensor_wgrad_workspace, tf32_wgrad},
    {"tensor", Math::f16, has_tensor_cores, tf32_fprop, tf32_dgrad, tensor_wgrad_slices,
     tensor_wgrad_workspace, tf32_wgrad},
};

// All tensors of a problem in one storage type.
struct Tensors {
  Tensors(const Memory& memory, const Conv2dProblem& p, Storage storage)
      : storage(storage),
        x(memory.random(p.x_shape().count(), storage)),
        w(memory.random(p.w_shape().count(), storage)),
        y(memory.random(p.y_shape().count(), storage)),
        b(memory.floats(p.K)),
        dw(memory.floats(p.w_shape().count())),
        db(memory.floats(p.K)) {}
  Storage storage;
  void *x, *w, *y;  // x and y: also what dgrad writes, and reads
  float *b, *dw, *db;
};

double bytes_of(const Conv2dProblem& p, const std::string& pass, Storage storage) {
  const double element = storage == Storage::f32 ? 4 : 2;
  const double maps = double(p.x_shape().count()) + double(p.y_shape().count());
  const double filters = double(p.w_shape().count());
  return element * maps + (pass == "wgrad" ? 4 : element) * filters +
         (pass == "dgrad" ? 0.0 : 4.0 * double(p.K));
}

Workload make(Gpu& gpu, const DuelProblem& listed, const std::string& pass) {
  const auto p = std::get<Conv2dProblem>(listed.problem);
  Workload workload{"conv2d", pass, listed.tag, to_string(p), {}};
  const Memory memory(gpu);
  const Tensors full(memory, p, Storage::f32);
  std::shared_ptr<Tensors> half;
  for (const Rung& rung : kRungs) {
    if (!rung.takes(p, gpu.code_capability())) continue;
    if (rung.math == Math::f16 && !half) half = std::make_shared<Tensors>(memory, p, Storage::f16);
    const Tensors t = rung.math == Math::f16 ? *half : full;
    const int slices = rung.slices(p, gpu.device().multiprocessors());
    const kernels::JoinMemory scratch =
        pass == "wgrad" ? memory.join(rung.workspace(p, slices)) : kernels::JoinMemory{};
    void* const stream = gpu.stream();
    const auto launch = [=, &rung] {  // holds the memory
      (void)memory;
      if (pass == "fprop") rung.fprop(p, t.storage, t.x, t.w, t.b, t.y, stream);
      if (pass == "dgrad") rung.dgrad(p, t.storage, t.y, t.w, t.x, false, stream);
      if (pass == "wgrad") rung.wgrad(p, t.storage, t.x, t.y, t.dw, t.db, false, slices, scratch, stream);
    };
    workload.candidates.push_back(
        {rung.name, rung.math, double(p.flops()), bytes_of(p, pass, t.storage), launch});
  }
  return workload;
}

}  // namespace

std::vector<WorkloadMaker> conv2d_workloads(Gpu& gpu, const std::vector<DuelProblem>& problems) {
  std::vector<WorkloadMaker> makers;
  for (const DuelProblem& listed : problems)
    for (const char* pass : {"fprop", "dgrad", "wgrad"})
      if (!(listed.first && std::string(pass) == "dgrad"))
        makers.push_back([&gpu, listed, pass] { return make(gpu, listed, pass); });
  return makers;
}

}  // namespace gabor::bench
