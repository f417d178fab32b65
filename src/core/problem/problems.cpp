// String forms and checks of the problem structs.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/problem/activation.h"
#include "core/problem/batchnorm.h"
#include "core/problem/conv2d.h"
#include "core/problem/dense.h"
#include "core/problem/first_block.h"
#include "core/problem/head.h"
#include "core/problem/pool2d.h"
#include "core/problem/words.h"
#include "core/text.h"

namespace gabor {
namespace {

constexpr const char* kActivationNames[] = {"none",    "relu", "leaky_relu", "elu",
                                            "sigmoid", "tanh", "silu",       "gelu"};

std::string pad_text(const Padding& p) {
  if (p.top == p.bottom && p.left == p.right) return fmt::format("{},{}", p.top, p.left);
  return fmt::format("{},{},{},{}", p.top, p.bottom, p.left, p.right);
}

std::vector<int64_t> integers(std::string_view word, std::string_view text) {
  std::vector<int64_t> out;
  for (const auto& part : split(text, ',')) {
    int64_t v = 0;
    const auto r = std::from_chars(part.data(), part.data() + part.size(), v);
    if (r.ec != std::errc() || r.ptr != part.data() + part.size())
      fail(ErrorCode::usage, "problem", "'{}={}': expected whole numbers", word, text);
    out.push_back(v);
  }
  return out;
}

void pair(const std::string& key, const std::string& value, int64_t& a, int64_t& b) {
  const auto v = integers(key, value);
  if (v.empty() || v.size() > 2)
    fail(ErrorCode::usage, "problem", "'{}={}': expected one or two numbers", key, value);
  a = v[0], b = v.back();
}

Padding parse_pad(const std::string& value) {
  const auto v = integers("pad", value);
  if (v.size() == 4) return {v[0], v[1], v[2], v[3]};
  if (v.size() == 2) return {v[0], v[0], v[1], v[1]};
  if (v.size() == 1) return {v[0], v[0], v[0], v[0]};
  fail(ErrorCode::usage, "problem", "'pad={}': expected 1, 2 or 4 numbers", value);
}

void check_positive(const std::string& where, std::initializer_list<std::pair<const char*, int64_t>> sizes) {
  for (const auto& [name, value] : sizes)
    if (value < 1) fail(ErrorCode::usage, where, "{} is {}; must be at least 1", name, value);
}

void check_pad(const std::string& where, const Padding& p) {
  if (p.top < 0 || p.bottom < 0 || p.left < 0 || p.right < 0)
    fail(ErrorCode::usage, where, "padding {} is negative", pad_text(p));
}

std::string act_text(const Activation& a) {
  return a.kind == ActivationKind::none ? "" : fmt::format(" act={}", name_of(a.kind));
}

}  // namespace

int64_t whole_number(const std::string& key, const std::string& value) {
  const auto v = integers(key, value);
  if (v.size() != 1) fail(ErrorCode::usage, "problem", "'{}={}': expected one number", key, value);
  return v[0];
}

float real_number(const std::string& key, const std::string& value) {
  float v = 0;
  const auto r = std::from_chars(value.data(), value.data() + value.size(), v);
  if (r.ec != std::errc() || r.ptr != value.data() + value.size() || !std::isfinite(v))
    fail(ErrorCode::usage, "problem", "'{}={}': expected a number", key, value);
  return v;
}

double activate(const Activation& a, double x) {
  switch (a.kind) {
    case ActivationKind::none:
      return x;
    case ActivationKind::relu:
      return x <= 0 ? 0 : x;  // NaN stays
    case ActivationKind::leaky_relu:
      return x < 0 ? a.alpha * x : x;
    case ActivationKind::elu:
      return x < 0 ? a.alpha * std::expm1(x) : x;
    case ActivationKind::sigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::tanh:
      return std::tanh(x);
    case ActivationKind::silu:
      return x / (1 + std::exp(-x));
    case ActivationKind::gelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
  }
  return x;
}

const char* name_of(ActivationKind kind) { return kActivationNames[int(kind)]; }

bool parse_activation(std::string_view name, Activation& out) {
  for (int k = 0; k < int(std::size(kActivationNames)); k++)
    if (name == kActivationNames[k]) {
      out.kind = ActivationKind(k);
      out.alpha = out.kind == ActivationKind::leaky_relu ? 0.01f
                  : out.kind == ActivationKind::elu      ? 1.0f
                                                         : 0.0f;
      return true;
    }
  return false;
}

const char* name_of(PoolKind kind) {
  return kind == PoolKind::max ? "max" : kind == PoolKind::average ? "average" : "l2";
}

void Conv2dProblem::check(const std::string& where) const {
  check_positive(where, {{"N", N},
                         {"H", H},
                         {"W", W},
                         {"C", C},
                         {"K", K},
                         {"R", R},
                         {"S", S},
                         {"stride_h", stride_h},
                         {"stride_w", stride_w},
                         {"dil_h", dil_h},
                         {"dil_w", dil_w},
                         {"groups", groups}});
  check_pad(where, pad);
  if (C % groups || K % groups)
    fail(ErrorCode::usage, where, "groups={} must divide the input channels {} and the filters {}", groups, C,
         K);
  // Bounds that keep every product below in 64 bits.
  for (int64_t v :
       {N, H, W, C, K, R, S, stride_h, stride_w, dil_h, dil_w, pad.top, pad.bottom, pad.left, pad.right})
    if (v > (int64_t{1} << 31)) fail(ErrorCode::usage, where, "size {} is too large (at most 2^31)", v);
  if (P() < 1 || Q() < 1)
    fail(ErrorCode::usage, where,
         "a {}x{} kernel (dilation {},{}) does not fit the {}x{} input with padding {}", R, S, dil_h, dil_w,
         H, W, pad_text(pad));
  checked_mul(checked_mul(checked_mul(N, P(), "y"), Q(), "y"), checked_mul(K, reduction(), "w"),
              "convolution");
  checked_mul(checked_mul(N, H, "x"), checked_mul(W, C, "x"), "x");
}

std::string to_string(const Conv2dProblem& p) {
  std::string s = fmt::format("N={} H={} W={} C={} K={} R={} S={} pad={} stride={},{}", p.N, p.H, p.W, p.C,
                              p.K, p.R, p.S, pad_text(p.pad), p.stride_h, p.stride_w);
  if (p.dil_h != 1 || p.dil_w != 1) s += fmt::format(" dil={},{}", p.dil_h, p.dil_w);
  if (p.groups != 1) s += fmt::format(" groups={}", p.groups);
  s += act_text(p.activation);
  return s;
}

Conv2dProblem parse_conv2d(std::string_view line) {
  Conv2dProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    if (key == "pad") return p.pad = parse_pad(value), true;
    if (key == "stride") return pair(key, value, p.stride_h, p.stride_w), true;
    if (key == "dil") return pair(key, value, p.dil_h, p.dil_w), true;
    if (key == "groups") return p.groups = whole_number(key, value), true;
    if (key == "act") return parse_activation(value, p.activation);
    for (auto [name, field] :
         {std::pair{"N", &p.N}, {"H", &p.H}, {"W", &p.W}, {"C", &p.C}, {"K", &p.K}, {"R", &p.R}, {"S", &p.S}})
      if (key == name) return *field = whole_number(key, value), true;
    return false;
  });
  p.check("problem");
  return p;
}

void Pool2dProblem::check(const std::string& where) const {
  check_positive(where, {{"N", N},
                         {"H", H},
                         {"W", W},
                         {"C", C},
                         {"window rows", R},
                         {"window columns", S},
                         {"stride_h", stride_h},
                         {"stride_w", stride_w}});
  check_pad(where, pad);
  if (pad.top >= R || pad.bottom >= R || pad.left >= S || pad.right >= S)
    fail(ErrorCode::usage, where, "padding {} must be smaller than the {}x{} window", pad_text(pad), R, S);
  if (P() < 1 || Q() < 1)
    fail(ErrorCode::usage, where, "a {}x{} window does not fit the {}x{} input", R, S, H, W);
  if (relu && kind != PoolKind::max)
    fail(ErrorCode::usage, where, "only max pooling goes back through ReLU, not {}", name_of(kind));
  checked_mul(checked_mul(N, H, "x"), checked_mul(W, C, "x"), "x");
}

std::string to_string(const Pool2dProblem& p) {
  return fmt::format("{} N={} H={} W={} C={} R={} S={} pad={} stride={},{}{}{}", name_of(p.kind), p.N, p.H,
                     p.W, p.C, p.R, p.S, pad_text(p.pad), p.stride_h, p.stride_w, p.ceil ? " ceil" : "",
                     p.relu ? " relu" : "");
}

Pool2dProblem parse_pool2d(std::string_view line) {
  Pool2dProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    for (PoolKind k : {PoolKind::max, PoolKind::average, PoolKind::l2})
      if (key == name_of(k)) return p.kind = k, true;
    if (key == "ceil") return p.ceil = true;
    if (key == "relu") return p.relu = true;
    if (key == "pad") return p.pad = parse_pad(value), true;
    if (key == "stride") return pair(key, value, p.stride_h, p.stride_w), true;
    for (auto [name, field] :
         {std::pair{"N", &p.N}, {"H", &p.H}, {"W", &p.W}, {"C", &p.C}, {"R", &p.R}, {"S", &p.S}})
      if (key == name) return *field = whole_number(key, value), true;
    return false;
  });
  p.check("problem");
  return p;
}

std::string to_string(const DenseProblem& p) {
  return fmt::format("N={} C={} K={}{}", p.N, p.C, p.K, act_text(p.activation));
}

void BatchNormProblem::check(const std::string& where) const {
  check_positive(where, {{"rows", rows}, {"C", C}});
  checked_mul(rows, C, "x");
  if (!(epsilon > 0 && epsilon <= 1))
    fail(ErrorCode::usage, where, "epsilon = {}; must be above 0 and at most 1", epsilon);
  if (!(momentum >= 0 && momentum <= 1))
    fail(ErrorCode::usage, where, "momentum = {}; must be 0 to 1", momentum);
}

std::string to_string(const BatchNormProblem& p) {
  return fmt::format("rows={} C={} epsilon={} momentum={}{}", p.rows, p.C, p.epsilon, p.momentum,
                     act_text(p.activation));
}

std::string to_string(const FirstBlockProblem& p) {
  return fmt::format("{} {} | {}", name_of(p.input), to_string(p.conv), to_string(p.pool));
}

std::string fault_of(const HeadProblem& p) {
  if (p.layers < 1 || p.layers > HeadProblem::kMostLayers)
    return fmt::format("{} dense layers; a head has 1 to {}", p.layers, HeadProblem::kMostLayers);
  int64_t inputs = p.layer(0).C;
  if (p.pool) {
    if (p.pool->kind != PoolKind::max) return "the pooling is not max";
    const Shape y = p.pool->y_shape();
    if (y != Shape{p.N, y[1], y[2], y[3]} || y.drop_first().count() != inputs)
      return "pooling does not fit the first layer";
  }
  for (int i = 0; i < p.layers; i++) {
    const DenseProblem& d = p.layer(i);
    if (d.N != p.N || d.C != inputs)
      return fmt::format("dense layer {} does not fit what is before it", i + 1);
    if (!none_or_relu(d.activation)) return "the activation is not relu";
    inputs = d.K;
  }
  return p.layer(p.layers - 1).activation.kind == ActivationKind::none ? ""
                                                                       : "an activation before the softmax";
}

std::string to_string(const HeadProblem& p) {
  std::string text = p.pool ? to_string(*p.pool) + " | " : "";
  for (int i = 0; i < p.layers; i++) text += to_string(p.layer(i)) + " | ";
  return text + fmt::format("labels={} label_smoothing={}", p.two_labels ? 2 : 1, p.label_smoothing);
}

}  // namespace gabor
