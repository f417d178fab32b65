#include "model/executor.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"

namespace gabor {

Executor::Executor(const Plan& plan, Device& device, Parameters& parameters, uint64_t seed)
    : plan_(&plan),
      arena_(device, plan.memory.arena_bytes),
      workspace_(device, plan.memory.workspace_bytes),
      values_(size_t(plan.table.size())),
      grads_(size_t(plan.table.size())),
      context_{device, device.stream(), workspace_.data(), workspace_.bytes(), seed, 0},
      run_(context_, plan.table, values_, grads_),
      reserved_{plan.options.batch} {
  run_.training = plan.options.training;
  if (device.kind() != DeviceKind::host) {
    images_ = Buffer(device, plan.table.bytes(plan.image, plan.options.batch));
    labels_ = Buffer(device, plan.table.bytes(plan.labels, plan.options.batch));
  }
  auto* base = static_cast<std::byte*>(arena_.data());
  for (TensorId t = 0; t < plan.table.size(); t++) {
    const Shape shape = plan.table.full_shape(t, plan.options.batch);
    const DType dtype = plan.table[t].dtype;
    if (const size_t o = plan.memory.value_offset[size_t(t)]; o != kNotPlaced)
      values_[size_t(t)] = {base + o, shape, dtype};
    if (const size_t o = plan.memory.grad_offset[size_t(t)]; o != kNotPlaced)
      grads_[size_t(t)] = {base + o, shape, dtype};
  }
  for (const ParameterDecl& d : plan.parameters) {
    values_[size_t(d.tensor)] = parameters.value(d);
    if (plan.options.training && d.trainable) grads_[size_t(d.tensor)] = parameters.grad(d);
  }
}

void Executor::reserve(int64_t n) {
  if (!reserved_.insert(n).second) return;
  size_t bytes = 0;
  for (const auto& s : plan_->steps) bytes = std::max(bytes, s->workspace_bytes(n));
  if (bytes <= workspace_.bytes()) return;
  workspace_ = Buffer();  // first given back: never both at once
  workspace_ = Buffer(context_.device, bytes);
  context_.workspace = workspace_.data();
  context_.workspace_bytes = workspace_.bytes();
}

TensorView Executor::on_device(ConstTensorView host, const Buffer& copy) {
  // Views are mutable so that one table serves all roles; nobody writes pictures or labels.
  if (!copy.data()) return {const_cast<void*>(host.data), host.shape, host.dtype};
  context_.device.copy_to(copy.data(), host.data, host.bytes());
  return {copy.data(), host.shape, host.dtype};
}

void Executor::run_step(const Step& step, bool backward) {
  const auto begin = on_step ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
  if (backward)
    step.backward(run_);
  else
    step.forward(run_);
  if (on_step)
    on_step(step, backward, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

void Executor::forward(ConstTensorView images, ConstTensorView labels, float loss_scale, uint64_t step,
                       uint32_t micro_batch) {
  const int64_t n = images.shape[0];
  if (n < 1 || n > plan_->options.batch || labels.count() != n ||
      images.dtype != plan_->options.input_dtype || images.shape.drop_first() != plan_->options.input)
    fail(ErrorCode::usage, plan_->graph.name,
         "a batch of {} {} with {} labels does not fit the plan ({} {} of {})", images.shape.str(),
         name_of(images.dtype), labels.count(), plan_->options.batch, name_of(plan_->options.input_dtype),
         plan_->options.input.str());
  values_[size_t(plan_->image)] = on_device(images, images_);
  values_[size_t(plan_->labels)] = on_device(labels, labels_);
  if (max_threads() != threads_)
    set_max_threads(threads_);  // called from another thread than the one that made us
  reserve(n);
  run_.batch = n;
  run_.loss_scale = loss_scale;
  context_.step = step;
  run_.micro_batch = micro_batch;
  run_.begin_backward();  // before forward: the loss writes the first gradient
  for (const auto& s : plan_->steps) run_step(*s, false);
}

void Executor::backward() {
  GABOR_CHECK(plan_->options.training);
  for (auto s = plan_->steps.rbegin(); s != plan_->steps.rend(); ++s) run_step(**s, true);
}

float Executor::loss_sum() const {
  float v = 0;
  context_.device.copy_from(&v, values_[size_t(plan_->loss)].data, sizeof v);
  return v;
}

int Executor::counted() const {
  int32_t v[2];
  context_.device.copy_from(v, values_[size_t(plan_->counts)].data, sizeof v);
  return v[0];
}

int Executor::correct() const {
  int32_t v[2];
  context_.device.copy_from(v, values_[size_t(plan_->counts)].data, sizeof v);
  return v[1];
}

TensorView Executor::value(const std::string& name) const {
  for (TensorId t = 0; t < plan_->table.size(); t++)
    if (plan_->table[t].name == name && values_[size_t(t)]) return run_.value(t);
  fail(ErrorCode::usage, plan_->graph.name, "no tensor named '{}' in the plan", name);
}

}  // namespace gabor
