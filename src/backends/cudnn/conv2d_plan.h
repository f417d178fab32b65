// A convolution prepared for cuDNN: the first that takes it of the graph API with its best heuristics, the graph API with
// its fallback engines, and the older calls; and the copies that they need around them.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "backends/cudnn/graph_conv2d.h"
#include "backends/cudnn/legacy_conv2d.h"
#include "backends/cudnn/staged_tensor.h"

namespace gabor::cudnn {

// Where the three tensors are for cuDNN, one after the other in the workspace.
struct Conv2dStaging {
  // results_apart: the engine overwrites, so that a gradient that is to be added takes a detour.
  Conv2dStaging(const CudnnApi& api, const Conv2dProblem& p, Pass pass, bool nchw, bool results_apart);
  size_t bytes = 0;
  StagedTensor x, w, y;
};

class Conv2dPlan {
 public:
  // Throws Error{device} with every reason when nothing takes it.
  Conv2dPlan(const Session& session, cudnnHandle_t handle, const Conv2dProblem& p, Pass pass);

  bool serves(const Conv2dProblem& p, Pass pass) const { return p == problem_ && pass == pass_; }
  size_t workspace_bytes() const;
  std::string kernel() const { return graph_ ? graph_->kernel() : legacy_->kernel(); }

  void fprop(const Session&, Context&, const float* x, const float* w, const float* b, float* y) const;
  void dgrad(const Session&, Context&, const float* dy, const float* w, float* dx, GradMode) const;
  void wgrad(const Session&, Context&, const float* x, const float* dy, float* dw, float* db, GradMode) const;

 private:
  void choose(const Session& session, cudnnHandle_t handle);
  bool run(const CudnnApi& api, cudnnHandle_t handle, void* workspace, const ConvOperands& operands,
           const float* beta) const;
  void finish(const CudnnApi& api, cudnnHandle_t handle, const float* b, float* y) const;
  float* zeros(const CudnnApi& api, cudnnHandle_t handle, void* workspace) const;

  Conv2dProblem problem_;
  Pass pass_;
  bool epilogue_ = false;  // the graph adds the bias and applies the activation
  std::optional<Conv2dStaging> staging_;
  std::unique_ptr<GraphConv2d> graph_;  // null: nothing there took it
  std::optional<LegacyConv2d> legacy_;  // in its place
  Tensor y_, bias_;                     // as the caller has them
  std::optional<ActivationFunction> activation_;
};

}  // namespace gabor::cudnn
