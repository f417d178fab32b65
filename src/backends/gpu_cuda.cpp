#include "backends/cuda/backend.h"
#include "backends/gpu.h"
#include "core/error.h"
#ifdef GABOR_HAS_CUDNN
#include "backends/cudnn/backend.h"
#endif

namespace gabor {

std::vector<std::string> gpu_backend_names() {
#ifdef GABOR_HAS_CUDNN
  return {"cuda", "cudnn"};
#else
  return {"cuda"};
#endif
}

bool gpu_is_automatic() { return true; }

// Either name gives both, itself first: a model file may ask for the other one, layer by layer.
std::vector<std::shared_ptr<const Backend>> make_gpu_backends(const std::string& name,
                                                              std::optional<size_t> workspace_cap,
                                                              std::vector<std::string>& notes) {
  std::vector<std::shared_ptr<const Backend>> backends{make_cuda_backend()};
#ifdef GABOR_HAS_CUDNN
  try {
    const auto& cuda = backends[0];
    CudnnOptions options;
    options.workspace_cap = workspace_cap.value_or(options.workspace_cap);
    auto cudnn = make_cudnn_backend(cuda->device(), cuda, options);
    backends.insert(name == "cudnn" ? backends.begin() : backends.end(), std::move(cudnn));
  } catch (const Error& e) {
    if (name == "cudnn") throw;
    notes.push_back(std::string("cudnn: ") + e.what());
  }
#endif
  return backends;
}

}  // namespace gabor
