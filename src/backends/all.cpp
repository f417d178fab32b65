#include "backends/all.h"

#include "backends/cpu/backend.h"
#include "backends/reference/backend.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"

namespace gabor {

std::vector<std::string> backend_names() { return {"auto", "cpu", "reference"}; }

std::shared_ptr<Library> make_library(const std::string& backend, int threads) {
  std::vector<std::shared_ptr<const Backend>> backends;
  if (backend == "auto" || backend == "cpu") {
    backends.push_back(make_cpu_backend(threads));
  } else if (backend == "cuda" || backend == "cudnn") {
    fail(ErrorCode::device, "--backend", "this build has no {} backend; use --backend {}", backend,
         join(backend_names(), ", "));
  } else if (backend != "reference") {
    fail(ErrorCode::usage, "--backend", "unknown backend '{}'{}", printable(backend),
         suggestion(backend, backend_names()));
  }
  if (threads > 0) set_max_threads(threads);
  backends.push_back(make_reference_backend());
  return std::make_shared<Library>(std::move(backends));
}

}  // namespace gabor
