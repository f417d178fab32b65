#include "duel/problem_record.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

// alpha is written where it matters to the function.
std::string activation_text(const Activation& a) {
  return fmt::format("{} alpha={}", name_of(a.kind), a.alpha);
}

std::string alpha_text(const Activation& a) { return a.alpha != 0 ? fmt::format(" alpha={}", a.alpha) : ""; }

std::string text(const Conv2dProblem& p) { return to_string(p) + alpha_text(p.activation); }
std::string text(const Pool2dProblem& p) { return to_string(p); }
std::string text(const DenseProblem& p) { return to_string(p) + alpha_text(p.activation); }
std::string text(const SoftmaxProblem& p) { return fmt::format("N={} K={}", p.N, p.K); }
std::string text(const LossProblem& p) {
  return fmt::format("{} N={} K={} label_smoothing={}{}", name_of(p.kind), p.N, p.K, p.label_smoothing,
                     p.two_labels ? " labels=2" : "");
}
std::string text(const ActivationProblem& p) {
  return fmt::format("{} count={}", activation_text(p.activation), p.count);
}
std::string text(const FirstBlockProblem& p) {
  const Normalize& n = p.normalize;
  return fmt::format("{} | {} | {} | scale={},{},{},{} shift={},{},{},{}", name_of(p.input),
                     to_string(p.conv), to_string(p.pool), n.scale[0], n.scale[1], n.scale[2], n.scale[3],
                     n.shift[0], n.shift[1], n.shift[2], n.shift[3]);
}
std::string text(const BatchNormProblem& p) { return to_string(p) + alpha_text(p.activation); }

// "word" and "key=value" words; taken one by one, so that what nobody takes is an error.
class Words {
 public:
  explicit Words(const std::string& line) : line_(line) {
    for (const std::string& word : split(line, ' ')) {
      if (word.empty()) continue;
      const size_t equals = word.find('=');
      if (equals == std::string::npos)
        kind_ = word;
      else
        values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  const std::string& kind() const { return kind_; }  // the word without a value
  bool has(const std::string& key) const { return values_.count(key) > 0; }
  std::string take(const std::string& key) {
    const auto at = values_.find(key);
    if (at == values_.end()) fail(ErrorCode::usage, "problem", "'{}' lacks {}=", printable(line_), key);
    const std::string value = at->second;
    values_.erase(at);
    return value;
  }
  int64_t size(const std::string& key) {  // at least 1, and small enough that products of two stay in 64 bits
    const std::string value = take(key);
    int64_t v = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), v);
    if (error != std::errc{} || end != value.data() + value.size() || v < 1 || v > (int64_t{1} << 31))
      fail(ErrorCode::usage, "problem", "'{}={}': expected a size from 1 to 2^31", key, printable(value));
    return v;
  }
  std::vector<float> numbers(const std::string& key, size_t count) {
    const std::string value = take(key);
    std::vector<float> out;
    for (const std::string& part : split(value, ',')) {
      float v = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), v);
      if (error != std::errc{} || end != part.data() + part.size()) break;
      out.push_back(v);
    }
    if (out.size() != count)
      fail(ErrorCode::usage, "problem", "'{}={}': expected {} number(s)", key, printable(value), count);
    return out;
  }
  float number(const std::string& key) { return numbers(key, 1)[0]; }
  // The words that nobody has taken, as one line.
  std::string rest() const {
    std::string out = kind_;
    for (const auto& [key, value] : values_) out += fmt::format(" {}={}", key, value);
    return out;
  }
  void end() const {
    if (!values_.empty())
      fail(ErrorCode::usage, "problem", "unknown word '{}' in '{}'", printable(values_.begin()->first),
           printable(line_));
  }

 private:
  std::string line_, kind_;
  std::map<std::string, std::string> values_;
};

Activation parse_kind(const std::string& name) {
  Activation a;
  if (!parse_activation(name, a))
    fail(ErrorCode::usage, "problem", "unknown activation '{}'", printable(name));
  return a;
}

Conv2dProblem read_conv2d(const std::string& line) {
  Words words(line);
  const bool bent = words.has("alpha");
  const float alpha = bent ? words.number("alpha") : 0;
  Conv2dProblem p = parse_conv2d(words.rest());
  if (bent) p.activation.alpha = alpha;
  return p;
}

// The epilogue, where the line names one.
void read_act(Words& words, Activation& a) {
  if (words.has("act")) a = parse_kind(words.take("act"));
  if (words.has("alpha")) a.alpha = words.number("alpha");
}

DenseProblem read_dense(Words& words) {
  DenseProblem p{words.size("N"), words.size("C"), words.size("K"), {}};
  read_act(words, p.activation);
  checked_mul(checked_mul(p.N, p.C, "x"), p.K, "dense");
  return p;
}

SoftmaxProblem read_softmax(Words& words) { return {words.size("N"), words.size("K")}; }

LossProblem read_loss(Words& words) {
  const bool mse = words.kind() == name_of(LossKind::mse);
  if (!mse && words.kind() != name_of(LossKind::softmax_xent))
    fail(ErrorCode::usage, "problem", "unknown loss '{}'", printable(words.kind()));
  LossProblem p{mse ? LossKind::mse : LossKind::softmax_xent, words.size("N"), words.size("K"),
                words.number("label_smoothing")};
  if (words.has("labels") && !(p.two_labels = words.take("labels") == "2"))
    fail(ErrorCode::usage, "problem", "labels= is 2, or left out");
  return p;
}

ActivationProblem read_activation(Words& words) {
  ActivationProblem p{words.size("count"), parse_kind(words.kind())};
  p.activation.alpha = words.number("alpha");
  return p;
}

FirstBlockProblem read_first_block(const std::string& line) {
  const std::vector<std::string> parts = split(line, '|');
  if (parts.size() != 4) fail(ErrorCode::usage, "problem", "'{}' is no first block", printable(line));
  FirstBlockProblem p{parse_conv2d(parts[1]), parse_pool2d(parts[2]), DType::u8, {}};
  const Words input(parts[0]);
  if (input.kind() == name_of(DType::f32))
    p.input = DType::f32;
  else if (input.kind() != name_of(DType::u8))
    fail(ErrorCode::usage, "problem", "unknown input '{}'", printable(input.kind()));
  Words normalize(parts[3]);
  const std::vector<float> scale = normalize.numbers("scale", 4), shift = normalize.numbers("shift", 4);
  std::copy(scale.begin(), scale.end(), p.normalize.scale.begin());
  std::copy(shift.begin(), shift.end(), p.normalize.shift.begin());
  normalize.end();
  if (p.conv.C > 4 || p.pool.kind != PoolKind::max || p.pool.R * p.pool.S > 254 ||
      p.pool.x_shape() != p.conv.y_shape() || p.conv.activation.kind != ActivationKind::relu)
    fail(ErrorCode::usage, "problem", "'{}' does not fit together", printable(line));
  return p;
}

BatchNormProblem read_batchnorm(Words& words) {
  BatchNormProblem p{words.size("rows"), words.size("C"), words.number("epsilon"), words.number("momentum")};
  read_act(words, p.activation);
  p.check("problem");
  return p;
}

}  // namespace

std::string record_of(const AnyProblem& any) {
  return std::visit([](const auto& p) { return text(p); }, any);
}

AnyProblem problem_of_record(const std::string& op, const std::string& line) {
  Words words(line);
  const auto whole = [&](auto problem) -> AnyProblem { return words.end(), problem; };
  if (op == "conv2d") return read_conv2d(line);
  if (op == "pool2d") return parse_pool2d(line);
  if (op == "first_block") return read_first_block(line);
  if (op == "dense") return whole(read_dense(words));
  if (op == "softmax") return whole(read_softmax(words));
  if (op == "loss") return whole(read_loss(words));
  if (op == "activation") return whole(read_activation(words));
  if (op == "batchnorm") return whole(read_batchnorm(words));
  fail(ErrorCode::usage, "problem", "unknown op '{}'", printable(op));
}

}  // namespace gabor
