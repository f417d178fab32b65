#include "backends/gpu.h"

namespace gabor {

std::vector<std::string> gpu_backend_names() { return {}; }
bool gpu_is_automatic() { return false; }
std::vector<std::shared_ptr<const Backend>> make_gpu_backends(const std::string&, std::optional<size_t>,
                                                              std::vector<std::string>&) {
  return {};
}

}  // namespace gabor
