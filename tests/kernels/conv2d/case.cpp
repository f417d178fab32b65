#include "kernels/conv2d/case.h"

#include "ops/budget.h"

namespace gabor::kernels::conv2d {
namespace {

int64_t between(std::mt19937& random, int64_t low, int64_t high) {
  return low + int64_t(random() % uint64_t(high - low + 1));
}

float rounded(float v, Storage storage) {
  if (storage == Storage::f16) return simt::to_float(simt::from_float<simt::half>(v));
  if (storage == Storage::bf16) return simt::to_float(simt::from_float<simt::bfloat16>(v));
  return v;
}

std::vector<float> values(int64_t count, Storage storage, Data data, std::mt19937& random) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& v : out) {
    const float unit = float(random() % 65536) / 32768.0f - 1.0f;
    v = data == Data::integers ? float(between(random, -4, 4)) : rounded(unit, storage);
  }
  return out;
}

void start_from(Sums& sums, const std::vector<float>& old, bool wanted) {
  if (wanted)
    for (size_t i = 0; i < old.size(); ++i) sums.add_addend(int64_t(i), old[i]);
}

}  // namespace

Conv2dProblem random_problem(std::mt19937& random) {
  static constexpr int64_t kChannels[] = {1, 2, 3, 4, 4, 5, 8, 8, 12, 16, 17};
  const auto channels = [&] {
    return random() % 12 == 0 ? between(random, 18, 40) : kChannels[random() % std::size(kChannels)];
  };
  for (;;) {
    Conv2dProblem p;
    p.groups = random() % 4 == 0 ? between(random, 2, 3) : 1;
    p.N = between(random, 1, 3), p.H = between(random, 1, 8), p.W = between(random, 1, 8);
    p.C = channels() * p.groups, p.K = channels() * p.groups;
    p.R = between(random, 1, 4), p.S = between(random, 1, 4);
    p.stride_h = between(random, 1, 3), p.stride_w = between(random, 1, 3);
    p.dil_h = between(random, 1, 3), p.dil_w = between(random, 1, 3);
    p.pad = {between(random, 0, p.R), between(random, 0, p.R), between(random, 0, p.S),
             between(random, 0, p.S)};
    p.activation.kind = ActivationKind(random() % 8);
    p.activation.alpha = p.activation.kind == ActivationKind::elu ? 1.0f : 0.125f;
    if (p.P() > 0 && p.Q() > 0 && p.flops() < 60000) return p;
  }
}

Case make_case(const Conv2dProblem& p, Storage storage, Data data, std::mt19937& random) {
  Case c{p, storage, random() % 3 != 0, random() % 2 == 0, {}, {}, {}, {}, {}, {}, {}};
  // Of integers only sums are compared, and only what stays exact.
  if (data == Data::integers) c.p.activation = {ActivationKind(random() % 2), 0.0f};
  c.x = values(x_count(p), storage, data, random);
  c.w = values(w_count(p), storage, data, random);
  c.b = values(p.K, Storage::f32, data, random);
  c.dy = values(y_count(p), storage, data, random);
  c.old_dx = values(x_count(p), storage, data, random);
  c.old_dw = values(w_count(p), Storage::f32, data, random);
  c.old_db = values(p.K, Storage::f32, data, random);
  return c;
}

std::string describe(const Case& c) {
  static constexpr const char* kStorage[] = {"f32", "f16", "bf16"};
  const auto& p = c.p;
  std::string text;
  const auto field = [&](const char* name, int64_t value) { text += name + std::to_string(value) + ' '; };
  field("N=", p.N), field("H=", p.H), field("W=", p.W), field("C=", p.C), field("K=", p.K), field("R=", p.R);
  field("S=", p.S), field("pad=", p.pad.top), field(",", p.pad.bottom), field(",", p.pad.left);
  field(",", p.pad.right), field("stride=", p.stride_h), field(",", p.stride_w), field("dil=", p.dil_h);
  field(",", p.dil_w), field("groups=", p.groups), field("act=", int64_t(p.activation.kind));
  return text + kStorage[int(c.storage)] + (c.with_bias ? " bias" : "") + (c.accumulate ? " accumulate" : "");
}

Sums fprop_sums(const Case& c) {
  Sums sums(y_count(c.p));
  for_each_product(
      c.p, [&](int64_t x, int64_t w, int64_t y) { sums.add(y, double(c.x[size_t(x)]) * c.w[size_t(w)]); });
  if (c.with_bias)
    for (size_t i = 0; i < sums.value.size(); ++i) sums.add_addend(int64_t(i), c.b[i % size_t(c.p.K)]);
  sums.terms = double(c.p.reduction());
  return sums;
}

Sums dgrad_sums(const Case& c) {
  Sums sums(x_count(c.p));
  for_each_product(
      c.p, [&](int64_t x, int64_t w, int64_t y) { sums.add(x, double(c.dy[size_t(y)]) * c.w[size_t(w)]); });
  start_from(sums, c.old_dx, c.accumulate);
  sums.terms = double(c.p.R * c.p.S * c.p.K / c.p.groups);
  return sums;
}

Sums wgrad_sums(const Case& c) {
  Sums sums(w_count(c.p));
  for_each_product(
      c.p, [&](int64_t x, int64_t w, int64_t y) { sums.add(w, double(c.dy[size_t(y)]) * c.x[size_t(x)]); });
  start_from(sums, c.old_dw, c.accumulate);
  sums.terms = double(c.p.N * c.p.P() * c.p.Q());
  return sums;
}

Sums bias_sums(const Case& c) {
  Sums sums(c.p.K);
  for (size_t i = 0; i < c.dy.size(); ++i) sums.add(int64_t(i) % c.p.K, c.dy[i]);
  start_from(sums, c.old_db, c.accumulate);
  sums.terms = double(c.p.N * c.p.P() * c.p.Q());
  return sums;
}

std::string judge(const Sums& want, const std::vector<float>& got, Storage storage, Data data,
                  const Activation& a, double factor_u) {
  if (got.size() != want.value.size()) return "another number of values";
  const double u = storage == Storage::f32 ? 0 : storage == Storage::f16 ? 0x1p-11 : 0x1p-8;
  for (size_t i = 0; i < got.size(); ++i) {
    const double y = activate_double(a, want.value[i]);
    double budget = 0;
    if (data == Data::reals) {
      // No activation is steeper than 1.13. Those with exp, tanh or erfc make a few roundings of a value below 1, or of
      // the result.
      const double rounded_factors =
          (2 * factor_u + factor_u * factor_u) * (want.magnitude[i] - want.addends[i]);
      budget = 1.13 * (gabor::sum_budget(want.terms, want.magnitude[i]) + rounded_factors);
      if (a.kind != ActivationKind::none && a.kind != ActivationKind::relu)
        budget += 8 * gabor::kU * (std::fabs(y) + std::fmin(std::fabs(want.value[i]), 1.0));
    }
    budget += u * (std::fabs(y) + budget) + (storage == Storage::f16 ? 0x1p-25 : 0);
    if (data == Data::integers && std::fabs(y) <= 256) budget = 0;  // 8 bits: exact in bfloat16 too
    if (!(std::fabs(got[i] - y) <= budget))
      return "element " + std::to_string(i) + " is " + std::to_string(got[i]) + ", expected " +
             std::to_string(y) + " to within " + std::to_string(budget);
  }
  return "";
}

}  // namespace gabor::kernels::conv2d
