// The one door to oneDNN: what gabor uses of it, without its types. Everything here overwrites its result,
// applies no activation, and adds up in an order that is fixed for one number of threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/problem/conv2d.h"
#include "ops/support.h"

namespace gabor::cpu {

// c = a b + beta c, row-major; a is M,K (K,M when transposed); b is K,N (N,K when transposed); c is M,N; each row begins
// a_step, b_step, c_step floats after the one before. Letters are those of matrix products, not of layers. Runs on the
// calling thread alone: how oneDNN deals a product out depends on M and on the number of threads, and with it the bits.
struct Sgemm {
  int64_t M = 1, N = 1, K = 1;
  int64_t a_step = 1, b_step = 1, c_step = 1;
  bool transpose_a = false, transpose_b = false;
  float beta = 0;
};
void sgemm(const Sgemm& g, const float* a, const float* b, float* c);

// Where oneDNN finds the filters in its own inner layout, which it chooses for each problem and pass.
enum class Filters : uint8_t {
  reorder,  // they are brought into it, in the workspace
  reordered  // the last call with this workspace was of the same problem, pass and filters: they are still there
};

// Convolution with NHWC activations and KRSC filters. The filters are reordered in the workspace, for they change at
// each step. (Plain filters would bring in its slow kernels.) Never Winograd. Primitives are built once for each (problem, pass) and kept; runs take
// no lock and allocate nothing once as many threads as ever will have run the problem.
class OneDnnConv2d {
 public:
  OneDnnConv2d();
  ~OneDnnConv2d();

  // Name of the implementation oneDNN takes, e.g. "brgconv:avx512_core"; "" when it has none.
  const std::string& implementation(const Conv2dProblem& p, Pass pass) const;
  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const;

  // workspace: aligned to 64 bytes, workspace_bytes() long. b and db may be null. p.activation is ignored.
  void fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
             void* workspace, Filters filters) const;
  void dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx, void* workspace,
             Filters filters) const;
  void wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw, float* db,
             void* workspace) const;

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace gabor::cpu
