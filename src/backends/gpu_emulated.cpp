#include "backends/cuda/backend.h"
#include "backends/gpu.h"

namespace gabor {

std::vector<std::string> gpu_backend_names() { return {"cuda_emulated"}; }
bool gpu_is_automatic() { return false; }  // it is thousands of times slower than the CPU
std::vector<std::shared_ptr<const Backend>> make_gpu_backends(const std::string&, std::vector<std::string>&) {
  return {make_cuda_backend()};
}

}  // namespace gabor
