// What this build has for a GPU: one of gpu_none.cpp, gpu_cuda.cpp, gpu_emulated.cpp (CMakeLists.txt chooses).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace gabor {

std::vector<std::string> gpu_backend_names();
// Whether `auto` tries the first of them before the CPU.
bool gpu_is_automatic();
// The backends that one of the names stands for, in order. What is left out, with its reason, is added to notes. Throws
// Error{device} when the named one cannot be had.
// workspace_cap: as of make_library.
std::vector<std::shared_ptr<const Backend>> make_gpu_backends(const std::string& name,
                                                              std::optional<size_t> workspace_cap,
                                                              std::vector<std::string>& notes);

}  // namespace gabor
