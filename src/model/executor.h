#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "model/parameters.h"
#include "model/plan.h"

namespace gabor {

// A plan with memory. One arena for every activation, gradient and saved tensor, allocated once; nothing is
// allocated within a step. Not thread-safe; the plan and the parameters must outlive it.
class Executor {
 public:
  // Throws Error{memory} when the arena does not fit.
  Executor(const Plan& plan, Device& device, Parameters& parameters, uint64_t seed);

  Executor(const Executor&) = delete;  // views point into it
  Executor& operator=(const Executor&) = delete;

  // Makes the workspace large enough for batches of n samples too (a smaller one may need more than a full one).
  // forward does it by itself when a new size comes; called ahead, no step allocates.
  void reserve(int64_t n);

  // Pictures (N,H,W,C, the plan's input dtype) and labels (i32 N) in host memory; on the host they are read in place
  // until backward has run.
  // loss_scale: 1 / samples of the whole batch that count (0 when none does). step: number of the training step.
  // micro_batch: number of this part of the batch, where it runs in parts: forward and backward of each in turn; the
  // backward of all but the first adds to the gradients of the parameters.
  void forward(ConstTensorView images, ConstTensorView labels, float loss_scale, uint64_t step,
               uint32_t micro_batch = 0);
  void backward();

  // Of the last forward.
  float loss_sum() const;                                          // sum of the rows' losses
  int counted() const;                                             // rows with a label
  int correct() const;                                             // of these, the right ones
  TensorView output() const { return run_.value(plan_->output); }  // N,classes

  // A tensor of the plan, for tests and pictures; throws Error{usage} for an unknown name.
  TensorView value(const std::string& name) const;

  // Called after each step's forward and backward with its seconds, when set (bench's "where the time goes").
  std::function<void(const Step&, bool backward, double seconds)> on_step;
  // What it holds on the device: arena, workspace and, where that is not the host, its copy of the batch.
  size_t bytes() const { return arena_.bytes() + workspace_.bytes() + images_.bytes() + labels_.bytes(); }
  Device& device() const { return context_.device; }

 private:
  TensorView on_device(ConstTensorView host, const Buffer& copy);
  void run_step(const Step& step, bool backward);
  const Plan* plan_;
  Buffer arena_, workspace_;
  Buffer images_, labels_;  // the batch on a device that is not the host
  std::vector<TensorView> values_, grads_;
  Context context_;
  Run run_;
  int threads_ = max_threads();  // the workspace is sized for so many
  std::set<int64_t> reserved_;   // batch sizes the workspace is enough for
};

}  // namespace gabor
