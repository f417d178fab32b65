// A pass of a convolution by cuDNN's older calls, which every card has: descriptors, and the algorithm that its heuristics
// put first among those allowed.
#pragma once
#include <string>

#include "backends/cudnn/graph_conv2d.h"

namespace gabor::cudnn {

class LegacyConv2d {
 public:
  // p: padding alike on both sides. Throws Error{device} with the reason when cuDNN has no algorithm for it.
  LegacyConv2d(const Session& session, cudnnHandle_t handle, const Conv2dProblem& p, Pass pass, bool nchw,
               size_t workspace_cap);

  std::string kernel() const;  // "legacy: IMPLICIT_PRECOMP_GEMM"
  size_t workspace_bytes() const { return workspace_bytes_; }
  // y (fprop), x (dgrad) or w (wgrad) = the result + beta times what was there.
  void run(const CudnnApi& api, cudnnHandle_t handle, const ConvOperands& operands, const float* beta,
           void* workspace) const;

 private:
  void choose(const Session& session, cudnnHandle_t handle, size_t workspace_cap);

  Pass pass_;
  Tensor x_, y_;
  Filter w_;
  Convolution convolution_;
  int algorithm_ = 0;
  size_t workspace_bytes_ = 0;
};

}  // namespace gabor::cudnn
