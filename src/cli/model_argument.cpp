#include "cli/model_argument.h"

#include <filesystem>

#include "cli/trained_model.h"

namespace gabor {
namespace {

bool is_checkpoint(const std::string& path) {
  std::error_code error;
  return path.ends_with(".safetensors") || std::filesystem::is_directory(path, error);
}

}  // namespace

const char* const kModelHelp =
    "article, lenet5, mlp, vgg-bn, vgg-small, a .toml file, a checkpoint or a run folder";

Graph model_argument(const std::string& model, Shape& input) {
  if (!is_checkpoint(model)) return find_model(model);
  const CheckpointInfo info = Checkpoint(checkpoint_path(model)).info();
  if (input.rank() == 0) input = {info.preprocess.height, info.preprocess.width, info.preprocess.channels};
  return info.graph;
}

}  // namespace gabor
