// A convolution prepared for cuDNN: descriptors, and the algorithm that its heuristics put first among those allowed.
#pragma once
#include <optional>
#include <string>

#include "backends/cudnn/session.h"
#include "ops/conv2d.h"

namespace gabor::cudnn {

// cuDNN pads both sides alike. Where a problem does not, x is copied into the middle of a padded image first (and dx cut
// out of one): `padded`, at the start of the workspace.
class Conv2dPlan {
 public:
  // Throws Error{device} with the reason when cuDNN has no algorithm for it.
  Conv2dPlan(const Session& session, cudnnHandle_t handle, const Conv2dProblem& p, Pass pass);

  bool serves(const Conv2dProblem& p, Pass pass) const { return p == problem_ && pass == pass_; }
  size_t workspace_bytes() const { return padded_bytes_ + algorithm_bytes_; }

  void fprop(const Session&, Context&, const float* x, const float* w, const float* b, float* y) const;
  void dgrad(const Session&, Context&, const float* dy, const float* w, float* dx, GradMode) const;
  void wgrad(const Session&, Context&, const float* x, const float* dy, float* dw, float* db, GradMode) const;

 private:
  void choose(const Session& session, cudnnHandle_t handle);
  template <class Performance, class Get>
  int choose_from(const Session& session, const char* function, Get get);
  const float* padded_input(const Session&, cudnnHandle_t, const Context&, const float* x) const;

  Conv2dProblem problem_;
  Pass pass_;
  bool uneven_;             // padding differs from side to side
  TensorExtent image_;      // what the convolution reads: x, or x in its padding
  Tensor x_, y_, bias_;     // x_: image_
  Tensor dense_x_, inner_;  // x as the caller has it; the place of x in image_
  Filter w_;
  Convolution convolution_;
  std::optional<ActivationFunction> activation_;
  int algorithm_ = 0;
  size_t algorithm_bytes_ = 0, padded_bytes_ = 0;
};

}  // namespace gabor::cudnn
