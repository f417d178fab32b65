// The one list of layer types.
#include "core/text.h"
#include "layers/batchnorm_layer.h"
#include "layers/conv2d_layer.h"
#include "layers/dense_layer.h"
#include "layers/layer.h"
#include "layers/pool2d_layer.h"
#include "layers/small_layers.h"

namespace gabor {
namespace {

struct Entry {
  const char* type;
  std::unique_ptr<Layer> (*make)(const LayerSpec&, const std::string&);
};

constexpr Entry kLayers[] = {
    {"activation", make_activation_layer}, {"add", make_add_layer},
    {"batchnorm", make_batchnorm_layer},   {"conv2d", make_conv2d_layer},
    {"dense", make_dense_layer},           {"dropout", make_dropout_layer},
    {"flatten", make_flatten_layer},       {"global_pool", make_global_pool_layer},
    {"pool2d", make_pool2d_layer},
};

}  // namespace

std::vector<std::string> layer_types() {
  std::vector<std::string> out;
  for (const Entry& e : kLayers) out.emplace_back(e.type);
  return out;
}

std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const std::string& source) {
  for (const Entry& e : kLayers)
    if (spec.type == e.type) return e.make(spec, source);
  OptionReader(spec, source)
      .error(fmt::format("unknown layer type '{}'{}", spec.type, suggestion(spec.type, layer_types())));
}

}  // namespace gabor
