#include "duel/case.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "core/philox.h"
#include "ops/budget.h"

namespace gabor {

double Expected::own_budget(size_t i, const std::string& math) const {
  const double b = bound.view().as<float>()[i];
  if (terms == 0) return b;
  return product_budget(terms, b, operand_rounding(math));
}

double Expected::budget(size_t i, const std::string& math) const {
  const double more = added.empty() ? 0 : added[i];
  const double own = own_budget(i, math) + more;
  return oracle_math == "fp64" ? own : own + own_budget(i, oracle_math) + more;
}

HostTensor random_tensor(const Shape& shape, uint64_t seed, uint32_t number) {
  HostTensor t(shape);
  const auto values = t.floats();
  const RandomKey key{.seed = seed, .purpose = Purpose::duel, .b = number};
  constexpr int64_t kGrain = 4096;
  parallel_for((int64_t(values.size()) + 3) / 4,
               [&](int64_t block) {
                 const Philox4 bits = key.block(uint32_t(block));
                 for (size_t j = 0; j < 4 && size_t(4 * block) + j < values.size(); j++)
                   values[size_t(4 * block) + j] = 2 * unit_float(bits[j]) - 1;
               },
               kGrain);
  return t;
}

CallTensors random_call(const AnyProblem& problem, Pass pass, uint64_t seed) {
  const CallSpec spec = call_spec(problem, pass);
  CallTensors call;
  for (const TensorSpec& t : spec.inputs)
    call.inputs.push_back(t.dtype == DType::f32 ? random_tensor(t.shape, seed, uint32_t(call.inputs.size()))
                                                : HostTensor(t.shape, t.dtype));
  for (const TensorSpec& t : spec.outputs) call.outputs.emplace_back(t.shape, t.dtype);
  return call;
}

HostTensor absolute(const HostTensor& t) {
  HostTensor out = t;
  if (t && t.dtype() == DType::f32)
    for (float& v : out.floats()) v = std::fabs(v);
  return out;
}

std::vector<double> widened(const HostTensor& t) {
  const auto values = t.floats();
  return {values.begin(), values.end()};
}

HostTensor rounded(const Shape& shape, std::span<const double> values) {
  HostTensor t(shape);
  std::transform(values.begin(), values.end(), t.floats().begin(), [](double v) { return float(v); });
  return t;
}

namespace {
std::vector<HostTensor> absolute(std::span<const HostTensor> tensors) {
  std::vector<HostTensor> out;
  for (const HostTensor& t : tensors) out.push_back(gabor::absolute(t));
  return out;
}
}  // namespace

TensorView DeviceTensors::place(const HostTensor& like) {
  if (!like) return {};
  buffers_.emplace_back(device_, like.view().bytes());
  return {buffers_.back().data(), like.shape(), like.dtype()};
}

DeviceTensors::DeviceTensors(Device& device, std::span<const HostTensor> inputs,
                             std::span<const HostTensor> outputs)
    : device_(device) {
  for (const HostTensor& t : inputs) {
    const TensorView v = place(t);
    if (v) device.copy_to(v.data, t.view().data, v.bytes());
    in.push_back(v);
  }
  for (const HostTensor& t : outputs) out.push_back(place(t));
}

void DeviceTensors::set_outputs(std::span<const HostTensor> values) const {
  for (size_t i = 0; i < out.size(); i++)
    if (out[i]) device_.copy_to(out[i].data, values[i].view().data, out[i].bytes());
}

std::vector<HostTensor> DeviceTensors::outputs() const {
  std::vector<HostTensor> got;
  for (const TensorView& v : out) {
    got.push_back(v ? HostTensor(v.shape, v.dtype) : HostTensor());
    if (v) device_.copy_from(got.back().view().data, v.data, v.bytes());
  }
  return got;
}

std::vector<HostTensor> outputs_of(const Case& c, const Backend& backend, std::span<const HostTensor> inputs,
                                   std::span<const HostTensor> before) {
  const Support support =
      c.has_op(backend.ops()) ? c.supports(backend.ops()) : Support::no("it lacks the op");
  if (!support)
    fail(ErrorCode::internal, std::string(backend.name()), "cannot be the oracle: {}", support.reason);
  Device& device = backend.device();
  const Buffer workspace(device, c.workspace_bytes(backend.ops()));
  Context context{device, device.stream(), workspace.data(), workspace.bytes()};
  const DType storage = backend.traits().storage;
  const std::vector<HostTensor> start = in_storage(before, c.spec.outputs, storage);
  const DeviceTensors tensors(device, in_storage(inputs, c.spec.inputs, storage), start);
  tensors.set_outputs(start);
  const Buffer own(device, c.own_bytes(backend.ops()));
  std::vector<TensorView> out = tensors.out;
  if (own.bytes()) {
    out.push_back({own.data(), {int64_t(own.bytes())}, DType::u8});
    c.prepare(backend.ops(), context, tensors.in, out.back());
  }
  c.run(backend.ops(), context, tensors.in, out);
  return tensors.outputs();
}

void expect_sums(Case& c, const Backend& oracle, std::vector<std::string> names, std::vector<double> terms,
                 const Case* of_magnitudes) {
  std::vector<HostTensor> want = outputs_of(c, oracle, c.inputs, c.before);
  std::vector<HostTensor> bound =
      outputs_of(of_magnitudes ? *of_magnitudes : c, oracle, absolute(c.inputs), absolute(c.before));
  // One rounding more than the sums: the oracle's own, when it stores want and bound.
  for (size_t i = 0; i < names.size(); i++)
    c.outputs.push_back({names[i], std::move(want[i]), terms[i] + 1, std::move(bound[i])});
}

double float_bytes(std::initializer_list<Shape> shapes) {
  double bytes = 0;
  for (const Shape& s : shapes) bytes += double(sizeof(float)) * double(s.count());
  return bytes;
}

namespace {

double bytes_of(const CallSpec& spec, DType storage) {
  double bytes = 0;
  for (const auto* tensors : {&spec.inputs, &spec.outputs})
    for (const TensorSpec& t : *tensors)
      bytes += double(t.shape.count()) * double(size_of(t.stored ? storage : t.dtype));
  return bytes;
}

void round_to(DType storage, std::span<HostTensor> tensors, std::span<const TensorSpec> specs) {
  for (size_t i = 0; i < tensors.size(); i++)
    if (tensors[i] && specs[i].stored)
      for (float& v : tensors[i].floats()) v = stored(v, storage);
}

std::unique_ptr<Case> undrawn(const Conv2dProblem& p, Pass pass) { return conv2d_case(p, pass); }
std::unique_ptr<Case> undrawn(const DenseProblem& p, Pass pass) { return dense_case(p, pass); }
std::unique_ptr<Case> undrawn(const Pool2dProblem& p, Pass pass) { return pool2d_case(p, pass); }
std::unique_ptr<Case> undrawn(const SoftmaxProblem& p, Pass pass) { return softmax_case(p, pass); }
std::unique_ptr<Case> undrawn(const LossProblem& p, Pass) { return loss_case(p); }
std::unique_ptr<Case> undrawn(const ActivationProblem& p, Pass pass) { return activation_case(p, pass); }
std::unique_ptr<Case> undrawn(const FirstBlockProblem& p, Pass pass) { return first_block_case(p, pass); }
std::unique_ptr<Case> undrawn(const BatchNormProblem& p, Pass pass) { return batchnorm_case(p, pass); }

}  // namespace

std::unique_ptr<Case> unjudged_case(const AnyProblem& problem, Pass pass) {
  auto c = std::visit([&](const auto& p) { return undrawn(p, pass); }, problem);
  c->spec = call_spec(problem, pass);
  return c;
}

std::unique_ptr<Case> make_case(const DuelProblem& item, Pass pass, const Backend& oracle, uint64_t seed,
                                DType storage) {
  auto c = unjudged_case(item.problem, pass);
  c->storage = storage;
  c->bytes *= bytes_of(c->spec, storage) / bytes_of(c->spec, DType::f32);
  CallTensors call = item.given ? *item.given : c->draw(oracle, seed);
  round_to(storage, call.inputs, c->spec.inputs), round_to(storage, call.outputs, c->spec.outputs);
  c->inputs = std::move(call.inputs), c->before = std::move(call.outputs), c->mode = call.mode;
  c->expect(oracle);
  for (Expected& e : c->outputs) e.drawn = !item.given, e.oracle_math = oracle.traits().math;
  return c;
}

}  // namespace gabor
