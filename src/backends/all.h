// The composition root: the one place that knows every backend of this build.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/library.h"

namespace gabor {

// The values of --backend in this build, "auto" first.
std::vector<std::string> backend_names();

// The ordered list of backends that a name stands for:
//   cpu         cpu, then reference for what cpu does not support (every choice is recorded with its reason)
//   reference   the oracle alone
//   cuda        the hand-written kernels, then cudnn where a model file asks for it (a build with GABOR_CUDA)
//   cudnn       cuDNN and cuBLAS, then cuda for what they do not support
//   cuda_emulated  the hand-written kernels on the CPU (a build with GABOR_CUDA_EMULATED)
//   auto        cuda if this build has it and the machine a GPU, else cpu; why not is in Library::notes
// threads: of the process-wide team (core/parallel.h); 0 = all cores. workspace_cap: bytes that a call may take at most,
// for backends that choose an algorithm by it (cudnn; its own cap when there is none). Throws Error{device} for a backend that
// this build lacks, Error{usage} with the nearest name for an unknown one.
std::shared_ptr<Library> make_library(const std::string& backend, int threads,
                                      std::optional<size_t> workspace_cap = std::nullopt);

// A user's kernel file as a backend, emulated (kernels/own/kernel.h). What it throws: backends/own/backend.h.
std::shared_ptr<const Backend> make_own_backend(const std::string& file, int seconds);

}  // namespace gabor
