#include "backends/cpu/onednn.h"

#include <dnnl_debug.h>

#include <dnnl.hpp>

#include "core/error.h"

namespace gabor::cpu {

void sgemm(const Sgemm& g, const float* a, const float* b, float* c) {
  const dnnl_status_t status =
      dnnl_sgemm(g.transpose_a ? 'T' : 'N', g.transpose_b ? 'T' : 'N', g.M, g.N, g.K, 1.0f, a,
                 g.transpose_a ? g.M : g.K, b, g.transpose_b ? g.K : g.N, g.beta, c, g.N);
  if (status != dnnl_success)
    fail(ErrorCode::device, "cpu", "oneDNN's matrix product {}x{}x{} failed: {}", g.M, g.N, g.K,
         dnnl_status2str(status));
}

}  // namespace gabor::cpu
