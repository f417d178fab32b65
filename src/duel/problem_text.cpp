#include "duel/problem_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/problem/words.h"

namespace gabor {
namespace {

constexpr const char* kOpNames[] = {"conv2d",    "pool2d",     "dense", "softmax",
                                    "batchnorm", "activation", "loss",  "first_block"};
static_assert(std::size(kOpNames) == std::variant_size_v<AnyProblem>);

constexpr float kPixelScale = 1 / 255.0f;  // pictures are 0..1 to the convolution

std::string text(const Conv2dProblem& p) { return gabor::to_string(p); }
std::string text(const Pool2dProblem& p) { return gabor::to_string(p); }
std::string text(const DenseProblem& p) { return gabor::to_string(p); }
std::string text(const SoftmaxProblem& p) { return fmt::format("N={} K={}", p.N, p.K); }
std::string text(const BatchNormProblem& p) { return gabor::to_string(p); }
std::string text(const ActivationProblem& p) {
  const Activation& a = p.activation;
  Activation plain;
  parse_activation(name_of(a.kind), plain);
  return fmt::format("{} count={}{}", name_of(a.kind), p.count,
                     a.alpha == plain.alpha ? "" : fmt::format(" alpha={}", a.alpha));
}
std::string text(const LossProblem& p) {
  return fmt::format("{} N={} K={}{}{}", name_of(p.kind), p.N, p.K,
                     p.label_smoothing == 0 ? "" : fmt::format(" label_smoothing={}", p.label_smoothing),
                     p.two_labels ? " labels=2" : "");
}
std::string text(const FirstBlockProblem& p) { return gabor::to_string(p); }

// Throws for a size below 1, and where their product leaves 64 bits.
void check_sizes(std::initializer_list<std::pair<const char*, int64_t>> sizes) {
  int64_t product = 1;
  for (const auto& [name, size] : sizes) {
    if (size < 1) fail(ErrorCode::usage, "problem", "{} is {}; must be at least 1", name, size);
    product = checked_mul(product, size, "problem");
  }
}

Conv2dProblem parse_conv(const std::string& line) {
  Conv2dProblem p = parse_conv2d(line);
  p.activation = {};
  return p;
}

DenseProblem parse_dense(const std::string& line) {
  DenseProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    if (Activation left_out; key == "act") return parse_activation(value, left_out);
    for (auto [name, field] : {std::pair{"N", &p.N}, {"C", &p.C}, {"K", &p.K}})
      if (key == name) return *field = whole_number(key, value), true;
    return false;
  });
  check_sizes({{"N", p.N}, {"C", p.C}, {"K", p.K}});
  return p;
}

SoftmaxProblem parse_softmax(const std::string& line) {
  SoftmaxProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    if (key == "N") return p.N = whole_number(key, value), true;
    if (key == "K") return p.K = whole_number(key, value), true;
    return false;
  });
  check_sizes({{"N", p.N}, {"K", p.K}});
  return p;
}

BatchNormProblem parse_batchnorm(const std::string& line) {
  BatchNormProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    if (key == "rows") return p.rows = whole_number(key, value), true;
    if (key == "C") return p.C = whole_number(key, value), true;
    if (key == "epsilon") return p.epsilon = real_number(key, value), true;
    if (key == "momentum") return p.momentum = real_number(key, value), true;
    if (Activation left_out; key == "act") return parse_activation(value, left_out);
    return false;
  });
  p.check("problem");
  return p;
}

ActivationProblem parse_activation_problem(const std::string& line) {
  ActivationProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    if (key == "count") return p.count = whole_number(key, value), true;
    if (key == "alpha") return p.activation.alpha = real_number(key, value), true;
    return value.empty() && parse_activation(key, p.activation);
  });
  if (p.activation.kind == ActivationKind::none)
    fail(ErrorCode::usage, "problem", "'{}' names no activation", line);
  check_sizes({{"count", p.count}});
  return p;
}

LossProblem parse_loss(const std::string& line) {
  LossProblem p;
  parse_words(line, [&](const std::string& key, const std::string& value) {
    if (key == "N") return p.N = whole_number(key, value), true;
    if (key == "K") return p.K = whole_number(key, value), true;
    if (key == "labels") return p.two_labels = value == "2", value == "1" || value == "2";
    if (key == "label_smoothing") return p.label_smoothing = real_number(key, value), true;
    for (const LossKind kind : {LossKind::softmax_xent, LossKind::mse})
      if (key == name_of(kind)) return p.kind = kind, true;
    return false;
  });
  check_sizes({{"N", p.N}, {"K", p.K}});
  if (!(p.label_smoothing >= 0 && p.label_smoothing < 1))
    fail(ErrorCode::usage, "problem", "label_smoothing is {}; must be 0 or more and below 1",
         p.label_smoothing);
  return p;
}

FirstBlockProblem parse_first_block(const std::string& line) {
  const size_t bar = line.find('|');
  std::string conv = line.substr(0, bar);
  FirstBlockProblem p;
  for (const DType input : {DType::u8, DType::f32})
    if (const std::string name = name_of(input); conv.starts_with(name + " "))
      p.input = input, conv.erase(0, name.size());
  p.conv = parse_conv(conv);
  p.conv.activation.kind = ActivationKind::relu;
  p.pool = parse_pool2d(fmt::format("max N={} H={} W={} C={} {}", p.conv.N, p.conv.P(), p.conv.Q(), p.conv.K,
                                    bar == std::string::npos ? "" : line.substr(bar + 1)));
  p.pool.relu = false;  // the block has its own
  if (p.pool.x_shape() != p.conv.y_shape())
    fail(ErrorCode::usage, "problem", "the pooling's {} is not the convolution's {}", p.pool.x_shape().str(),
         p.conv.y_shape().str());
  if (p.pool.kind != PoolKind::max)
    fail(ErrorCode::usage, "problem", "a first block ends in max pooling, not in {}", name_of(p.pool.kind));
  if (p.pool.R * p.pool.S > 254)
    fail(ErrorCode::usage, "problem", "a first block's pooling has at most 254 taps, not {}",
         p.pool.R * p.pool.S);
  if (p.input == DType::u8) {
    if (p.conv.C > 4)
      fail(ErrorCode::usage, "problem", "a u8 picture has at most 4 channels, not {}", p.conv.C);
    p.normalize.scale.fill(kPixelScale);
  }
  return p;
}

}  // namespace

const char* op_name(const AnyProblem& p) { return kOpNames[p.index()]; }

std::string to_string(const AnyProblem& any) {
  return std::visit([](const auto& p) { return text(p); }, any);
}

AnyProblem parse_problem(const std::string& line) {
  const std::string first = line.substr(0, line.find(' '));
  const bool named = std::find(std::begin(kOpNames), std::end(kOpNames), first) != std::end(kOpNames);
  const std::string rest = named ? line.substr(std::min(first.size() + 1, line.size())) : line;
  if (first == "pool2d" || first == "max" || first == "average" || first == "l2") return parse_pool2d(rest);
  if (!named && first.find('=') == std::string::npos)
    fail(ErrorCode::usage, "problem", "unknown op '{}'{}", first,
         suggestion(first, {std::begin(kOpNames), std::end(kOpNames)}));
  if (first == "dense") return parse_dense(rest);
  if (first == "softmax") return parse_softmax(rest);
  if (first == "batchnorm") return parse_batchnorm(rest);
  if (first == "activation") return parse_activation_problem(rest);
  if (first == "loss") return parse_loss(rest);
  if (first == "first_block") return parse_first_block(rest);
  return parse_conv(rest);
}

}  // namespace gabor
