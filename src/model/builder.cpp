#include <fmt/format.h>

#include "gabor/model_builder.h"
#include "model/graph.h"

namespace gabor {

ModelBuilder::ModelBuilder(const std::string& name) : text_(fmt::format("name = {}\n", toml_quoted(name))) {}

ModelBuilder& ModelBuilder::layer(const std::string& type, const std::string& name, const std::string& rest) {
  text_ += fmt::format("\n[[layer]]\ntype = \"{}\"\n", type);
  if (!name.empty()) text_ += fmt::format("name = {}\n", toml_quoted(name));
  text_ += rest;
  return *this;
}

// Before the first layer: in TOML a key after [[layer]] belongs to that layer.
ModelBuilder& ModelBuilder::input(int height, int width, int channels) {
  const size_t end_of_name = text_.find('\n') + 1;
  text_.insert(end_of_name, fmt::format("input = [{}, {}, {}]\n", height, width, channels));
  return *this;
}

ModelBuilder& ModelBuilder::conv2d(const Conv2dLayer& l) {
  return layer(
      "conv2d", l.name,
      fmt::format(
          "filters = {}\nkernel = {}\nstride = {}\npadding = {}\ndilation = {}\ngroups = {}\nbias = {}\n"
          "activation = {}\ninit = {}\n",
          l.filters, l.kernel, l.stride, toml_quoted(l.padding), l.dilation, l.groups, l.bias,
          toml_quoted(l.activation), toml_quoted(l.init)));
}

ModelBuilder& ModelBuilder::pool2d(const Pool2dLayer& l) {
  return layer(
      "pool2d", l.name,
      fmt::format("kind = {}\nsize = {}\nstride = {}\npadding = {}\nrounding = {}\n", toml_quoted(l.kind),
                  l.size, l.stride ? l.stride : l.size, toml_quoted(l.padding), toml_quoted(l.rounding)));
}

ModelBuilder& ModelBuilder::global_pool(const std::string& kind) {
  return layer("global_pool", "", fmt::format("kind = {}\n", toml_quoted(kind)));
}

ModelBuilder& ModelBuilder::batchnorm(const BatchNormLayer& l) {
  return layer("batchnorm", l.name, fmt::format("epsilon = {}\nmomentum = {}\n", l.epsilon, l.momentum));
}

ModelBuilder& ModelBuilder::activation(const std::string& kind) {
  return layer("activation", "", fmt::format("kind = {}\n", toml_quoted(kind)));
}

ModelBuilder& ModelBuilder::dropout(double rate) {
  return layer("dropout", "", fmt::format("rate = {}\n", rate));
}

ModelBuilder& ModelBuilder::flatten() { return layer("flatten", "", ""); }

ModelBuilder& ModelBuilder::dense(const DenseLayer& l) {
  const std::string units = l.units ? std::to_string(l.units) : "\"classes\"";
  return layer("dense", l.name,
               fmt::format("units = {}\nbias = {}\nactivation = {}\ninit = {}\n", units, l.bias,
                           toml_quoted(l.activation), toml_quoted(l.init)));
}

ModelBuilder& ModelBuilder::add(const std::string& first, const std::string& second) {
  return layer("add", "", fmt::format("from = [{}, {}]\n", toml_quoted(first), toml_quoted(second)));
}

}  // namespace gabor
