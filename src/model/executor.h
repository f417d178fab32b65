#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/parallel.h"
#include "model/parameters.h"
#include "model/plan.h"

namespace gabor {

// A plan with memory. One arena for every activation, gradient and saved tensor, allocated once; nothing is
// allocated within a step. Not thread-safe; the plan and the parameters must outlive it.
class Executor {
 public:
  // parameters: with the copy that the plan's storage asks for. Throws Error{memory} when the arena does not fit.
  Executor(const Plan& plan, Device& device, Parameters& parameters, uint64_t seed);

  Executor(const Executor&) = delete;  // views point into it
  Executor& operator=(const Executor&) = delete;

  // Makes the workspace large enough for batches of n samples too (a smaller one may need more than a full one).
  // forward does it by itself when a new size comes; called ahead, no step allocates.
  void reserve(int64_t n);

  // Pictures (N,H,W,C, the plan's input dtype) and labels (i32 N, or N,3 where the plan has two_labels) in memory that
  // the device's queued copies may use (Device::allocate_host). They are read until result() has waited for this forward;
  // on the host, until backward has run. loss_scale: 1 / samples of the whole batch that count (0 when none does), times
  // what gradients are scaled by. Where a batch runs in parts (values.micro_batch; of as many samples as the plan has, but
  // for the last), forward and backward of each follow in turn; the backward of all but the first adds to the gradients of
  // the parameters.
  void forward(ConstTensorView images, ConstTensorView labels, float loss_scale, const StepValues& values);
  void backward();
  // Where the next forward's n pictures may be made on the device, by work on Queue::upload; given to it from there, they
  // are not copied. The host's memory for that is allocated when it is first asked for.
  TensorView image_input(int64_t n);
  // forward, backward and then update (if any), which moves the parameters, as one unit (device/queue.h, Replay): what
  // update queues may differ from step to step by values.update alone, and it may be called twice or not at all. A device
  // that works by itself has only queued it when this returns.
  void step(ConstTensorView images, ConstTensorView labels, float loss_scale, const StepValues& values,
            const std::function<void(Context&)>& update);
  // In the device's memory, for the update: of the gradients that it is called after. Null: the plan asks for none.
  const NormResult* gradient_norm() const { return static_cast<const NormResult*>(norm_.data()); }
  // What the ops are given, with the values of the last forward: for an update without step().
  Context& context() { return context_; }

  struct Result {
    float loss_sum = 0;   // of the rows
    int32_t counted = 0;  // rows with a label
    int32_t correct = 0;  // of these, the right ones
    NormResult norm;      // of the gradients; of a step with an update, where the plan asks for it
  };
  // Of the last forward (or step), or of the one before it (back = 1); waits for it.
  Result result(int back = 0) const;
  float loss_sum() const { return result().loss_sum; }
  int counted() const { return result().counted; }
  int correct() const { return result().correct; }
  TensorView output() const { return run_.value(plan_->output); }  // N,classes; of the last forward
  TensorView logits() const { return run_.value(plan_->logits); }  // likewise

  // Why steps are not replayed as one graph, where the device could; "": they are, or it cannot.
  std::string replay_fault() const;

  // A tensor of the plan, for tests and pictures; throws Error{usage} for an unknown name.
  TensorView value(const std::string& name) const;

  // Called after each step's forward (also when it runs again for backward) and backward with its seconds on the device,
  // when set; each is then waited for, and a range of the device's profiler.
  std::function<void(const Step&, bool backward, double seconds)> on_step;
  // What it holds on the device: arena, workspace and, where that is not the host, two copies of a batch and its values.
  size_t bytes() const;
  Device& device() const { return context_.device; }

 private:
  // A batch on a device that is not the host, with its StepValues; on the host images alone, if any. There are two: one is
  // filled while the other is worked on.
  struct Input {
    Buffer images, labels, values;
    HostBuffer values_sent;
    std::unique_ptr<Mark> filled, used;
  };
  struct PendingResult {
    HostBuffer memory;  // a Result
    std::unique_ptr<Mark> ready;
  };
  void check(ConstTensorView images, ConstTensorView labels) const;
  void feed(ConstTensorView images, ConstTensorView labels, float loss_scale, const StepValues& values);
  void upload(Input& in, ConstTensorView images, ConstTensorView labels);
  void queue_forward();
  void queue_norm();
  void run_step(const Step& step, bool backward);
  const Plan* plan_;
  const Parameters* parameters_;
  Buffer arena_, workspace_;
  Buffer norm_;  // a NormResult, where the plan asks for one
  std::array<Input, 2> inputs_;
  std::array<PendingResult, 2> results_;
  uint64_t forwards_ = 0;  // that were begun
  // What the units that one graph does have in common: samples, whether it is a first micro-batch, whether it updates, the
  // scale of the loss, and which of the inputs and results they use.
  using ReplayKey = std::tuple<int64_t, bool, bool, float, size_t>;
  std::map<ReplayKey, std::unique_ptr<Replay>> replays_;  // null after the first unit of that kind
  StepValues step_values_;                                // of the last forward
  std::vector<TensorView> values_, grads_;
  // The batch under other shapes, of a net of float pictures that begins with flatten.
  std::vector<TensorId> image_aliases_;
  Context context_;
  Run run_;
  std::unique_ptr<Stopwatch> stopwatch_;  // made when on_step is first called
  int threads_ = max_threads();           // the workspace is sized for so many
  std::set<int64_t> reserved_;            // batch sizes the workspace is enough for
};

}  // namespace gabor
