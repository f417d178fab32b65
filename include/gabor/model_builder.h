// Describes a net in C++. What it makes is a model file (TOML), so everything that is true of model files is
// true here.
#pragma once
#include <string>
#include <vector>

namespace gabor {

// Names of values as in model files: padding "valid" or "same"; activation "none", "relu", "leaky_relu",
// "elu", "sigmoid", "tanh", "silu", "gelu", "softmax" (dense only); init "glorot_uniform", "he_normal", ...
struct Conv2dLayer {
  int filters = 0;
  int kernel = 3;
  int stride = 1;
  std::string padding = "valid";
  int dilation = 1;
  int groups = 1;
  bool bias = true;
  std::string activation = "none";
  std::string init = "glorot_uniform";
  std::string name = "";
};

struct DenseLayer {
  int units = 0;  // 0: one a class of the data
  bool bias = true;
  std::string activation = "none";
  std::string init = "glorot_uniform";
  std::string name = "";
};

struct Pool2dLayer {
  std::string kind = "max";  // "max", "average", "l2"
  int size = 2;
  int stride = 0;  // 0: as size
  std::string padding = "valid";
  std::string rounding = "floor";
  std::string name = "";
};

struct BatchNormLayer {
  double epsilon = 1e-5;
  double momentum = 0.1;  // share of a batch in the running statistics
  std::string name = "";
};

//   gabor::ModelBuilder net("tiny");
//   net.input(28, 28, 1).conv2d({.filters = 6, .kernel = 5, .activation =
//   "relu"}).pool2d().flatten().dense({.activation = "softmax"});
class ModelBuilder {
 public:
  explicit ModelBuilder(const std::string& name);
  ModelBuilder& input(int height, int width, int channels);
  ModelBuilder& conv2d(const Conv2dLayer& layer);
  ModelBuilder& pool2d(const Pool2dLayer& layer = {});
  ModelBuilder& global_pool(const std::string& kind = "average");
  ModelBuilder& batchnorm(const BatchNormLayer& layer = {});
  ModelBuilder& activation(const std::string& kind);
  ModelBuilder& dropout(double rate);
  ModelBuilder& flatten();
  ModelBuilder& dense(const DenseLayer& layer);
  // Sum of two earlier layers, by name.
  ModelBuilder& add(const std::string& first, const std::string& second);

  std::string toml() const { return text_; }

 private:
  ModelBuilder& layer(const std::string& type, const std::string& name, const std::string& rest);
  std::string text_;
};

}  // namespace gabor
