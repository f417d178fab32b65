// A tensor of the contract (dense, channels last) and the place where cuDNN meets it.
#pragma once
#include "backends/cudnn/session.h"
#include "core/problem/window.h"

namespace gabor::cudnn {

struct Staged {
  bool nchw = false;   // channels first
  Padding pad{};       // in the middle of zeros: cuDNN pads both sides alike
  bool apart = false;  // a result of an engine that cannot add to what is there
};

// In the caller's memory where that will do; else in the workspace, with copies by cuDNN's TransformTensor.
class StagedTensor {
 public:
  // extent: the caller's. Takes what it needs of the workspace from `offset` on, and moves that along.
  StagedTensor(const CudnnApi& api, const TensorExtent& extent, const Staged& staged, size_t& offset);

  // Where cuDNN reads what the caller has.
  const float* read(const CudnnApi& api, cudnnHandle_t handle, void* workspace, const float* caller) const;
  // Where cuDNN is to write, and what it multiplies what is there by: 0 but in the caller's memory.
  float* place(void* workspace, float* caller, GradMode mode) const;
  const float* beta(GradMode mode) const { return in_workspace(mode) ? &kZero : beta_of(mode); }
  // Takes to the caller what was written to place(): afterwards it holds, or has had added, the result.
  void take_back(const CudnnApi& api, cudnnHandle_t handle, void* workspace, float* caller,
                 GradMode mode) const;

 private:
  bool in_workspace(GradMode mode) const { return copied_ || (apart_ && mode == GradMode::accumulate); }
  float* whole(void* workspace) const;

  bool copied_, padded_, apart_;
  size_t offset_;  // bytes
  int64_t first_;  // elements from the start of the padded tensor to the first of the caller's
  Tensor caller_, whole_, inner_;  // inner_: the caller's extent, at its place in whole_
};

// `extent` as cuDNN sees it: in its padding and layout, dense.
TensorExtent staged_extent(const TensorExtent& extent, const Staged& staged);

}  // namespace gabor::cudnn
