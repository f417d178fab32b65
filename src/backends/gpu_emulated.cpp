#include "backends/cuda/backend.h"
#include "backends/gpu.h"

namespace gabor {

std::vector<std::string> gpu_backend_names() { return {"cuda_emulated"}; }
bool gpu_is_automatic() { return false; }  // it is there to test kernels, not to train
std::vector<std::shared_ptr<const Backend>> make_gpu_backends(const std::string&, std::optional<size_t>,
                                                              std::vector<std::string>&) {
  return {make_cuda_backend()};
}

}  // namespace gabor
