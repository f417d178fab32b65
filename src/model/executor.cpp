#include "model/executor.h"

#include <algorithm>

#include "core/error.h"
#include "ops/batch_chunks.h"

namespace gabor {

Executor::Executor(const Plan& plan, Device& device, Parameters& parameters, uint64_t seed)
    : plan_(&plan),
      parameters_(&parameters),
      arena_(device, plan.memory.arena_bytes),
      workspace_(device, plan.memory.workspace_bytes),
      values_(size_t(plan.table.size())),
      grads_(size_t(plan.table.size())),
      context_{device, device.stream(), workspace_.data(), workspace_.bytes(), seed, &step_values_},
      run_(context_, plan.table, values_, grads_),
      reserved_{plan.options.batch} {
  GABOR_CHECK(!plan.mixed.cast || parameters.copy());
  run_.training = plan.options.training;
  if (device.kind() != DeviceKind::host)
    for (Input& in : inputs_)
      in = {Buffer(device, plan.table.bytes(plan.image, plan.options.batch)),
            Buffer(device, plan.table.bytes(plan.labels, plan.options.batch)),
            Buffer(device, sizeof(StepValues)),
            HostBuffer(device, sizeof(StepValues)),
            device.mark(),
            device.mark()};
  if (plan.mixed.norm) norm_ = Buffer(device, sizeof(NormResult));
  for (PendingResult& r : results_) r = {HostBuffer(device, sizeof(Result)), device.mark()};
  auto* base = static_cast<std::byte*>(arena_.data());
  for (TensorId t = 0; t < plan.table.size(); t++) {
    const Shape shape = plan.table.full_shape(t, plan.options.batch);
    const DType dtype = plan.table[t].dtype;
    if (const size_t o = plan.memory.value_offset[size_t(t)]; o != kNotPlaced)
      values_[size_t(t)] = {base + o, shape, dtype};
    if (const size_t o = plan.memory.grad_offset[size_t(t)]; o != kNotPlaced)
      grads_[size_t(t)] = {base + o, shape, dtype};
  }
  for (TensorId t = 0; t < plan.table.size(); t++)
    if (t != plan.image && plan.table.root(t) == plan.image) image_aliases_.push_back(t);
  for (const ParameterDecl& d : plan.parameters) {
    const bool copied = plan.table[d.tensor].dtype != DType::f32;
    values_[size_t(d.tensor)] = copied ? parameters.copy(d) : parameters.value(d);
    if (plan.options.training && d.trainable) grads_[size_t(d.tensor)] = parameters.grad(d);
  }
}

void Executor::reserve(int64_t n) {
  if (!reserved_.insert(n).second) return;
  size_t bytes = 0;
  for (const auto& s : plan_->steps) bytes = std::max(bytes, s->workspace_bytes(n));
  if (bytes <= workspace_.bytes()) return;
  replays_.clear();       // their graphs use the old one
  workspace_ = Buffer();  // first given back: never both at once
  workspace_ = Buffer(context_.device, bytes);
  context_.workspace = workspace_.data();
  context_.workspace_bytes = workspace_.bytes();
}

void Executor::run_step(const Step& step, bool backward) {
  const auto run = [&] { backward ? step.backward(run_) : step.forward(run_); };
  if (!on_step) return run();
  if (!stopwatch_) stopwatch_ = context_.device.stopwatch();
  const DeviceRange range(context_.device, step.title(backward));
  on_step(step, backward, stopwatch_->seconds(run));
}

void Executor::check(ConstTensorView images, ConstTensorView labels) const {
  const int64_t n = images.shape[0];
  if (n < 1 || n > plan_->options.batch ||
      labels.count() != plan_->table.full_shape(plan_->labels, n).count() ||
      images.dtype != plan_->options.input_dtype || images.shape.drop_first() != plan_->options.input)
    fail(ErrorCode::usage, plan_->graph.name,
         "a batch of {} {} with {} labels does not fit the plan ({} {} of {})", images.shape.str(),
         name_of(images.dtype), labels.count(), plan_->options.batch, name_of(plan_->options.input_dtype),
         plan_->options.input.str());
}

TensorView Executor::image_input(int64_t n) {
  Input& in = inputs_[forwards_ % inputs_.size()];
  if (!in.images.data())
    in.images = Buffer(context_.device, plan_->table.bytes(plan_->image, plan_->options.batch));
  if (in.used) in.used->hold(Queue::upload);  // until the step before last has read it
  return {in.images.data(), plan_->options.input.prepend(n), plan_->options.input_dtype};
}

// Brings a batch and its values in beside the work that is queued; what is queued from here on finds them there.
void Executor::upload(Input& in, ConstTensorView images, ConstTensorView labels) {
  Device& device = context_.device;
  if (forwards_ > 0) inputs_[(forwards_ - 1) % inputs_.size()].used->set(Queue::work);
  in.filled->wait();  // two forwards ago: the values that were sent then may be overwritten
  *static_cast<StepValues*>(in.values_sent.data()) = step_values_;
  in.used->hold(Queue::upload);
  if (images.data != in.images.data())
    device.queue_copy_to(in.images.data(), images.data, images.bytes(), Queue::upload);
  device.queue_copy_to(in.labels.data(), labels.data, labels.bytes(), Queue::upload);
  device.queue_copy_to(in.values.data(), in.values_sent.data(), in.values.bytes(), Queue::upload);
  in.filled->set(Queue::upload);
  in.filled->hold(Queue::work);
}

// All that differs from one forward to the next.
void Executor::feed(ConstTensorView images, ConstTensorView labels, float loss_scale,
                    const StepValues& values) {
  check(images, labels);
  TensorView &image = values_[size_t(plan_->image)], &label = values_[size_t(plan_->labels)];
  // Views are mutable so that one table serves all roles; nobody writes pictures or labels.
  image = {const_cast<void*>(images.data), images.shape, images.dtype};
  label = {const_cast<void*>(labels.data), labels.shape, labels.dtype};
  step_values_ = values;
  step_values_.first_chunk = values.micro_batch * uint32_t(chunk_count(plan_->options.batch));
  if (Input& in = inputs_[forwards_ % inputs_.size()]; in.values.data()) {
    upload(in, images, labels);
    image.data = in.images.data(), label.data = in.labels.data();
    context_.step = static_cast<const StepValues*>(in.values.data());
  }
  for (const TensorId t : image_aliases_)
    values_[size_t(t)] = {image.data, plan_->table.full_shape(t, images.shape[0]), images.dtype};
  if (max_threads() != threads_)
    set_max_threads(threads_);  // called from another thread than the one that made us
  reserve(images.shape[0]);
  run_.batch = images.shape[0];
  run_.loss_scale = loss_scale;
  run_.first_chunk = step_values_.first_chunk;
  forwards_++;
}

void Executor::queue_forward() {
  run_.begin_backward();                           // before forward: the loss writes the first gradient
  if (plan_->mixed.cast && run_.first_chunk == 0)  // the parts of a batch have the same weights
    plan_->mixed.cast->run(context_, {parameters_->elements(), plan_->mixed.storage}, parameters_->values(),
                           parameters_->copy());
  for (const Action& a : plan_->schedule)
    if (a.kind == ActionKind::forward) run_step(*plan_->steps[size_t(a.step)], false);
  auto* to = static_cast<Result*>(results_[(forwards_ - 1) % results_.size()].memory.data());
  const auto from = [&](TensorId t) { return values_[size_t(t)].data; };
  context_.device.queue_copy_from(&to->loss_sum, from(plan_->loss), sizeof to->loss_sum, Queue::work);
  context_.device.queue_copy_from(&to->counted, from(plan_->counts), 2 * sizeof to->counted, Queue::work);
}

void Executor::queue_norm() {
  plan_->mixed.norm->run(context_, parameters_->grads(), static_cast<NormResult*>(norm_.data()));
  auto* to = static_cast<Result*>(results_[(forwards_ - 1) % results_.size()].memory.data());
  context_.device.queue_copy_from(&to->norm, norm_.data(), sizeof to->norm, Queue::work);
}

void Executor::backward() {
  GABOR_CHECK(plan_->options.training);
  for (const Action& a : plan_->schedule) {
    run_.again = a.kind == ActionKind::again;
    if (a.kind != ActionKind::forward)
      run_step(*plan_->steps[size_t(a.step)], a.kind == ActionKind::backward);
  }
  run_.again = false;
}

void Executor::forward(ConstTensorView images, ConstTensorView labels, float loss_scale,
                       const StepValues& values) {
  feed(images, labels, loss_scale, values);
  queue_forward();
  results_[(forwards_ - 1) % results_.size()].ready->set(Queue::work);
}

void Executor::step(ConstTensorView images, ConstTensorView labels, float loss_scale,
                    const StepValues& values, const std::function<void(Context&)>& update) {
  feed(images, labels, loss_scale, values);
  const auto work = [&] {
    queue_forward();
    backward();
    if (update && plan_->mixed.norm) queue_norm();
    if (update) update(context_);
  };
  // The first of its kind prepares what libraries prepare when they are first called: no capture.
  static_assert(std::tuple_size_v<decltype(inputs_)> == std::tuple_size_v<decltype(results_)>);
  const ReplayKey key{run_.batch, values.micro_batch == 0, bool(update), loss_scale,
                      forwards_ % inputs_.size()};
  if (const auto known = replays_.find(key); on_step || known == replays_.end()) {
    work();
    replays_.try_emplace(key);
  } else {
    if (!known->second) known->second = context_.device.replay();
    known->second->run(std::ref(work));  // a function that holds work itself would be allocated
  }
  results_[(forwards_ - 1) % results_.size()].ready->set(Queue::work);
}

Executor::Result Executor::result(int back) const {
  GABOR_CHECK(back >= 0 && size_t(back) < results_.size() && forwards_ > uint64_t(back));
  const PendingResult& pending = results_[(forwards_ - 1 - uint64_t(back)) % results_.size()];
  pending.ready->wait();
  return *static_cast<const Result*>(pending.memory.data());
}

size_t Executor::bytes() const {
  size_t bytes = arena_.bytes() + workspace_.bytes() + norm_.bytes();
  for (const Input& in : inputs_) bytes += in.images.bytes() + in.labels.bytes() + in.values.bytes();
  return bytes;
}

std::string Executor::replay_fault() const {
  for (const auto& [key, replay] : replays_)
    if (replay && !replay->fault().empty()) return replay->fault();
  return "";
}

TensorView Executor::value(const std::string& name) const {
  for (TensorId t = 0; t < plan_->table.size(); t++)
    if (plan_->table[t].name == name && values_[size_t(t)]) return run_.value(t);
  fail(ErrorCode::usage, plan_->graph.name, "no tensor named '{}' in the plan", name);
}

}  // namespace gabor
