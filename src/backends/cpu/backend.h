// backends/cpu: the fast path on the CPU. Large convolutions and matrix products run on oneDNN (onednn.h is
// the only door to it); everything else, and what oneDNN is slow at, is our own code on Highway, compiled for
// AVX2, AVX-512 and NEON and chosen at run time. Includes ops, device and core; no other backend.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace gabor {

// threads: of the process-wide team that our loops and oneDNN share (core/parallel.h); 0 leaves it as it is:
// all cores. For one number of threads results are the same bits from run to run.
std::shared_ptr<const Backend> make_cpu_backend(int threads = 0);

}  // namespace gabor
