#pragma once
#include <memory>
#include <string>

#include "data/loader.h"
#include "model/executor.h"
#include "train/checkpoint.h"
#include "train/evaluator.h"

namespace gabor {

// The file that a CHECKPOINT argument means: itself, or of a run folder best.safetensors (else
// last.safetensors). Throws Error{checkpoint}.
std::string checkpoint_path(const std::string& file_or_run);

// A checkpoint ready for inference with batches of up to `batch`.
class TrainedModel {
 public:
  TrainedModel(const std::string& file_or_run, int batch, std::shared_ptr<const Library> library);

  // Runs the checkpoint's self-test. Throws Error{checkpoint} when pictures are not prepared, or the net not computed,
  // as in training; on stderr it says what else the user should know.
  void verify();

  const std::string& path() const { return path_; }
  const CheckpointInfo& info() const { return checkpoint_.info(); }
  const Plan& plan() const { return plan_; }
  const Parameters& parameters() const { return parameters_; }
  Executor& executor() { return executor_; }

  // Preprocesses as in training. dataset: with this model's classes in their order (see matched_dataset.h).
  // bad: where the files that could not be read are listed, or null.
  EvalResult evaluate(std::shared_ptr<const Dataset> dataset, const std::vector<uint32_t>& samples,
                      const LoaderOptions& options, std::vector<BadFile>* bad = nullptr);

 private:
  std::string path_;
  std::shared_ptr<const Library> library_;
  Checkpoint checkpoint_;
  Plan plan_;
  Parameters parameters_;
  Executor executor_;
};

}  // namespace gabor
