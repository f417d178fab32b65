#include "backends/all.h"

#include <algorithm>

#include "backends/cpu/backend.h"
#include "backends/gpu.h"
#include "backends/reference/backend.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"

namespace gabor {
namespace {

using Backends = std::vector<std::shared_ptr<const Backend>>;

std::shared_ptr<Library> on_host(const std::string& name, int threads, std::vector<std::string> notes = {}) {
  Backends backends;
  if (name == "cpu") backends.push_back(make_cpu_backend(threads));
  backends.push_back(make_reference_backend());
  return std::make_shared<Library>(std::move(backends), std::move(notes));
}

std::shared_ptr<Library> on_gpu(const std::string& name, std::optional<size_t> workspace_cap) {
  std::vector<std::string> notes;
  Backends backends = make_gpu_backends(name, workspace_cap, notes);
  return std::make_shared<Library>(std::move(backends), std::move(notes));
}

std::shared_ptr<Library> automatic(int threads, std::optional<size_t> workspace_cap) {
  if (!gpu_is_automatic()) return on_host("cpu", threads);
  const std::string gpu = gpu_backend_names().front();
  try {
    return on_gpu(gpu, workspace_cap);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::device) throw;
    return on_host("cpu", threads, {fmt::format("{}: {}", gpu, e.what())});
  }
}

[[noreturn]] void unknown(const std::string& name) {
  const std::vector<std::string> names = backend_names();
  for (const char* elsewhere : {"cuda", "cudnn", "cuda_emulated"})
    if (name == elsewhere)
      fail(ErrorCode::device, "--backend", "this build has no {} backend; use --backend {}", name,
           join(names, ", "));
  fail(ErrorCode::usage, "--backend", "unknown backend '{}'{}", printable(name), suggestion(name, names));
}

}  // namespace

std::vector<std::string> backend_names() {
  std::vector<std::string> names{"auto"};
  for (const std::string& gpu : gpu_backend_names()) names.push_back(gpu);
  names.insert(names.end(), {"cpu", "reference"});
  return names;
}

std::shared_ptr<Library> make_library(const std::string& backend, int threads,
                                      std::optional<size_t> workspace_cap) {
  const std::vector<std::string> gpu = gpu_backend_names();
  std::shared_ptr<Library> library;
  if (backend == "auto")
    library = automatic(threads, workspace_cap);
  else if (backend == "cpu" || backend == "reference")
    library = on_host(backend, threads);
  else if (std::find(gpu.begin(), gpu.end(), backend) != gpu.end())
    library = on_gpu(backend, workspace_cap);
  else
    unknown(backend);
  if (threads > 0) set_max_threads(threads);
  return library;
}

}  // namespace gabor
