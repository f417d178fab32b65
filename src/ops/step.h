// A step is one op of a plan, bound to its tensors, with both its directions. Layers emit steps; the plan
// fuses and orders them; the executor calls forward in order and backward in reverse. A step holds no memory
// of its own.
#pragma once
#include <string>
#include <vector>

#include "core/tensor.h"
#include "ops/context.h"
#include "ops/library.h"
#include "ops/tensor_table.h"

namespace gabor {

// What a step sees while it runs.
class Run {
 public:
  Run(Context& context, const TensorTable& table, std::vector<TensorView>& values,
      std::vector<TensorView>& grads)
      : context(context), table_(table), values_(values), grads_(grads), written_(values.size(), false) {}

  Context& context;
  int64_t batch = 1;     // samples in this batch: at most what the plan was made for
  bool training = true;  // dropout is active, arg-max is saved, batchnorm takes the batch's statistics
  bool again = false;  // forward runs once more for backward: what it moves beside its results stays as it is
  float loss_scale = 1;  // 1 / number of samples that count
  // Number, within the step, of this micro-batch's first chunk (batch_chunks.h). From the second micro-batch on,
  // parameter gradients add to what is there. What is drawn at random is drawn by chunk.
  uint32_t first_chunk = 0;

  TensorView value(TensorId id) const { return view(values_, id); }
  TensorView grad(TensorId id) const { return view(grads_, id); }
  bool has_grad(TensorId id) const { return id != kNoTensor && grads_[size_t(id)]; }

  // How to write the gradient of id now: the first writer of a backward pass overwrites, later ones add.
  GradMode claim(TensorId id);
  void begin_backward() { written_.assign(written_.size(), false); }

 private:
  TensorView view(const std::vector<TensorView>& views, TensorId id) const;
  const TensorTable& table_;
  std::vector<TensorView>& values_;
  std::vector<TensorView>& grads_;
  std::vector<bool> written_;
};

// Which tensors a step touches, for fusion and for the memory plan.
struct StepUses {
  std::vector<TensorId> reads, writes;  // forward
  std::vector<TensorId> keeps;          // values that backward reads again
};

class Step {
 public:
  virtual ~Step() = default;
  std::string layer;   // name, for messages
  std::string prefer;  // backend the model file asks for, or ""

  virtual const char* op() const = 0;       // "conv2d"
  virtual std::string problem() const = 0;  // string form
  virtual StepUses uses() const = 0;
  // Picks an implementation for each pass and declares saved tensors. training: a backward will follow.
  virtual void choose(const Library& library, TensorTable& table, bool training,
                      std::vector<ChoiceRecord>& records) = 0;
  // Largest of its passes, for that many samples. Not monotone: a smaller batch may need more.
  virtual size_t workspace_bytes(int64_t /*batch*/) const { return 0; }
  virtual int64_t flops() const { return 0; }  // of forward, for the whole batch
  virtual void forward(Run& run) const = 0;
  virtual void backward(Run& run) const = 0;

  // "conv1 conv2d backward"
  std::string title(bool backward) const;

 protected:
  ChoiceRecord record(const char* pass) const;
};

}  // namespace gabor
