#include "cli/trained_model.h"

#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

std::string checkpoint_path(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  for (const char* name : {"best.safetensors", "last.safetensors"})
    if (fs::exists(fs::path(path) / name, error)) return (fs::path(path) / name).string();
  fail(ErrorCode::checkpoint, printable(path),
       "is a folder without best.safetensors or last.safetensors; give a checkpoint or a run folder");
}

TrainedModel::TrainedModel(const std::string& file_or_run, int batch, std::shared_ptr<const Library> library)
    : path_(checkpoint_path(file_or_run)),
      library_(std::move(library)),
      checkpoint_(path_),
      plan_(compile(checkpoint_.info().graph, *library_, inference_options(checkpoint_.info(), batch))),
      parameters_(library_->device(), plan_.parameters, plan_.parameter_elements, false),
      executor_(plan_, library_->device(), parameters_, checkpoint_.info().seed) {
  checkpoint_.load(parameters_);
}

void TrainedModel::verify() {
  if (!info().self_test) {
    fmt::print(stderr,
               "gabor: {} has no self-test, as saved by an older gabor: nothing tells whether pictures are "
               "prepared as in its training\n",
               printable(path_));
    return;
  }
  const SelfTestResult r =
      run_self_test(*info().self_test, info().preprocess, info().classes, parameters_, executor_);
  if (!r.note.empty()) fmt::print(stderr, "gabor: warning: {}: {}\n", printable(path_), r.note);
  if (!r.fault.empty())
    fail(ErrorCode::checkpoint, printable(path_), "{}; --no-verify goes on all the same", r.fault);
}

EvalResult TrainedModel::evaluate(std::shared_ptr<const Dataset> dataset,
                                  const std::vector<uint32_t>& samples, const LoaderOptions& given,
                                  std::vector<BadFile>* bad) {
  LoaderOptions options = given;
  const Preprocess& p = info().preprocess;
  options.batch = int(plan_.options.batch);
  options.height = p.height, options.width = p.width, options.channels = p.channels;
  options.resize = p.resize;
  options.shuffle = false;
  options.augment = {};
  Loader loader(std::move(dataset), samples, options);
  EvalResult result = gabor::evaluate(executor_, loader, int(info().classes.size()));
  if (bad) *bad = loader.bad_files();
  return result;
}

}  // namespace gabor
