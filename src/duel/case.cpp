#include "duel/case.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "core/philox.h"
#include "ops/budget.h"

namespace gabor {

double operand_rounding(const std::string& math) {
  if (math == "fp32" || math == "fp64") return 0;
  if (math == "tf32") return 0x1p-10;
  if (math == "fp16") return 0x1p-11;
  if (math == "bf16") return 0x1p-8;
  fail(ErrorCode::internal, "Traits::math", "'{}' has no error budget", math);
}

double Expected::budget(size_t i, const std::string& math) const {
  const double b = bound.view().as<float>()[i];
  if (terms == 0) return b;
  const double u = operand_rounding(math);
  return sum_budget(terms, b) + (2 * u + u * u) * b;
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

HostTensor absolute(const HostTensor& t) {
  HostTensor out = t;
  if (t.dtype() == DType::f32)
    for (float& v : out.floats()) v = std::fabs(v);
  return out;
}

std::vector<double> widened(const HostTensor& t) {
  const float* values = t.view().as<float>();
  return {values, values + t.shape().count()};
}

HostTensor rounded(const Shape& shape, std::span<const double> values) {
  HostTensor t(shape);
  std::transform(values.begin(), values.end(), t.floats().begin(), [](double v) { return float(v); });
  return t;
}

std::vector<HostTensor> oracle_outputs(const Case& c, const Backend& oracle,
                                       std::span<const HostTensor> inputs, std::span<const HostTensor> like) {
  const Support support = c.has_op(oracle.ops()) ? c.supports(oracle.ops()) : Support::no("it lacks the op");
  if (!support)
    fail(ErrorCode::internal, std::string(oracle.name()), "cannot be the oracle: {}", support.reason);
  const Buffer workspace(oracle.device(), c.workspace_bytes(oracle.ops()));
  Context context{oracle.device(), oracle.device().stream(), workspace.data(), workspace.bytes()};
  std::vector<HostTensor> outputs(like.begin(), like.end());
  std::vector<ConstTensorView> prepared, in;
  std::vector<TensorView> out;
  for (const HostTensor& t : c.inputs) prepared.push_back(t.view());
  for (const HostTensor& t : inputs) in.push_back(t.view());
  for (HostTensor& t : outputs) out.push_back(t.view());
  HostTensor own({int64_t(c.own_bytes(oracle.ops()))}, DType::u8);
  if (own.shape().count()) {
    out.push_back(own.view());
    c.prepare(oracle.ops(), context, prepared, own.view());
  }
  c.run(oracle.ops(), context, in, out);
  return outputs;
}

void expect_sums(Case& c, const Backend& oracle, std::vector<HostTensor> like, std::vector<std::string> names,
                 std::vector<double> terms) {
  std::vector<HostTensor> magnitudes;
  for (const HostTensor& t : c.inputs) magnitudes.push_back(absolute(t));
  std::vector<HostTensor> want = oracle_outputs(c, oracle, c.inputs, like);
  std::vector<HostTensor> bound = oracle_outputs(c, oracle, magnitudes, like);
  // One rounding more than the sums: the oracle's own, when it stores want and bound.
  for (size_t i = 0; i < like.size(); i++)
    c.outputs.push_back({names[i], std::move(want[i]), terms[i] + 1, std::move(bound[i])});
}

double float_bytes(std::initializer_list<Shape> shapes) {
  double bytes = 0;
  for (const Shape& s : shapes) bytes += double(sizeof(float)) * double(s.count());
  return bytes;
}

std::unique_ptr<Case> make_case(const DuelProblem& item, Pass pass, const Backend& oracle, uint64_t seed) {
  return std::visit(
      [&](const auto& p) -> std::unique_ptr<Case> {
        using P = std::decay_t<decltype(p)>;
        if constexpr (std::is_same_v<P, Conv2dProblem>) return conv2d_case(p, pass, oracle, seed);
        if constexpr (std::is_same_v<P, DenseProblem>) return dense_case(p, pass, oracle, seed);
        if constexpr (std::is_same_v<P, Pool2dProblem>) return pool2d_case(p, pass, oracle, seed);
        if constexpr (std::is_same_v<P, SoftmaxProblem>) return softmax_case(p, pass, oracle, seed);
        if constexpr (std::is_same_v<P, BatchNormProblem>) return batchnorm_case(p, pass, oracle, seed);
        if constexpr (std::is_same_v<P, ActivationProblem>) return activation_case(p, pass, oracle, seed);
        if constexpr (std::is_same_v<P, LossProblem>) return loss_case(p, oracle, seed);
        if constexpr (std::is_same_v<P, FirstBlockProblem>) return first_block_case(p, pass, oracle, seed);
      },
      item.problem);
}

}  // namespace gabor
