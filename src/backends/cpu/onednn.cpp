#include "backends/cpu/onednn.h"

#include <dnnl_debug.h>

#include <dnnl.hpp>

#include "core/error.h"
#include "core/parallel.h"

namespace gabor::cpu {
namespace {

// A team of one, for this scope, of what the calling thread runs.
class Alone {
 public:
  Alone() { set_max_threads(1); }
  ~Alone() { set_max_threads(before_); }
  Alone(const Alone&) = delete;

 private:
  const int before_ = max_threads();
};

}  // namespace

void sgemm(const Sgemm& g, const float* a, const float* b, float* c) {
  const Alone alone;
  const dnnl_status_t status = dnnl_sgemm(g.transpose_a ? 'T' : 'N', g.transpose_b ? 'T' : 'N', g.M, g.N, g.K,
                                          1.0f, a, g.a_step, b, g.b_step, g.beta, c, g.c_step);
  if (status != dnnl_success)
    fail(ErrorCode::device, "cpu", "oneDNN's matrix product {}x{}x{} failed: {}", g.M, g.N, g.K,
         dnnl_status2str(status));
}

}  // namespace gabor::cpu
