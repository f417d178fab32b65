// layers: what a net is made of. A layer reads its options, infers its output shape, declares its parameters
// and emits op steps (ops/step.h). It holds no memory and never names a backend. layer_spec.h: a layer as
// written in a model file or by the C++ builder.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace gabor {

// A value with its place in the model file (line 0: made in C++).
struct OptionValue {
  std::variant<bool, int64_t, double, std::string, std::vector<int64_t>> value;
  int line = 0, column = 0;
};

struct LayerSpec {
  std::string type;                            // "conv2d"
  std::string name;                            // unique in the net; given or made from the type ("conv2d_1")
  std::vector<std::string> from;               // names of the layers it reads; empty: the one before
  std::string backend;                         // asked for, or ""
  std::map<std::string, OptionValue> options;  // the rest
  int line = 0, column = 0;
};

// Where a layer stands, for messages: "model.toml:12:1: layer 'conv1'" (the builder: "mynet: layer 'conv1'").
std::string layer_place(const LayerSpec& spec, const std::string& source);

// Reads a layer's options by name and type; finish() refuses those that nobody asked for, with the nearest
// match.
class OptionReader {
 public:
  // source: name of the model file, for messages ("model.toml:12:3: layer 'conv1': ...").
  OptionReader(const LayerSpec& spec, const std::string& source) : spec_(spec), source_(source) {}

  bool has(const std::string& key);
  int64_t integer(const std::string& key, int64_t fallback, int64_t low, int64_t high);
  int64_t required_integer(const std::string& key, int64_t low, int64_t high);
  double number(const std::string& key, double fallback, double low, double high);
  bool boolean(const std::string& key, bool fallback);
  std::string word(const std::string& key, const std::string& fallback,
                   const std::vector<std::string>& allowed);
  // A number (both directions) or [vertical, horizontal].
  struct Pair {
    int64_t h, w;
  };
  Pair pair(const std::string& key, Pair fallback, int64_t low, int64_t high);
  // The raw value, or null.
  const OptionValue* raw(const std::string& key);

  void finish() const;
  [[noreturn]] void error(const std::string& key, const std::string& message) const;  // at the option's place
  [[noreturn]] void error(const std::string& message) const;                          // at the layer's place

 private:
  std::string where(int line, int column) const;
  const LayerSpec& spec_;
  const std::string& source_;
  std::vector<std::string> asked_;
};

}  // namespace gabor
