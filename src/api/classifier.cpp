// api: the public C++ API over the engine. Like cli, it is a place where backends, data and training are put
// together.
#include "gabor/classifier.h"

#include <algorithm>
#include <limits>

#include "api/memory_dataset.h"
#include "backends/all.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/sample_pictures.h"
#include "model/executor.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

namespace gabor {
namespace {

constexpr int kPredictBatch = 32;

// Hands epochs to the user's callback, and turns its "stop" into the trainer's flag.
class EpochCallback final : public Observer {
 public:
  explicit EpochCallback(const FitOptions& options) : options_(options) {}
  void on_epoch(const EpochRecord& e) override {
    if (options_.on_epoch &&
        !options_.on_epoch({e.epoch, e.train_loss, e.train_acc, e.val_loss, e.val_acc, e.images_per_s}))
      stop = true;
  }
  std::atomic<bool> stop{false};

 private:
  const FitOptions& options_;
};

TrainConfig config_of(const FitOptions& o, const Graph& graph, const Dataset& data) {
  TrainConfig c;
  c.epochs = o.epochs, c.batch = o.batch;
  c.lr = float(o.learning_rate);
  c.seed = o.seed;
  if (!parse_optimizer(o.optimizer, c.optimizer.kind))
    fail(ErrorCode::usage, "optimizer", "unknown optimizer '{}'; known: sgd, momentum, nesterov, adam, adamw",
         o.optimizer);
  if (!parse_scaling(o.scaling, c.preprocess.scaling))
    fail(ErrorCode::usage, "scaling", "unknown scaling '{}'; known: unit, centered, none", o.scaling);
  c.optimizer.weight_decay = float(o.weight_decay);
  const auto native = data.native_size();
  const bool own = graph.input.rank() == 3;
  c.preprocess.height = o.height ? o.height : own ? int(graph.input[0]) : native ? native->height : 96;
  c.preprocess.width = o.width ? o.width : own ? int(graph.input[1]) : native ? native->width : 96;
  c.preprocess.channels = own ? int(graph.input[2]) : data.channels();
  return c;
}

}  // namespace

struct Classifier::State {
  State(CheckpointInfo i, std::shared_ptr<const Library> lib)
      : info(std::move(i)),
        library(std::move(lib)),
        plan(compile(info.graph, *library, inference_options(info, kPredictBatch))),
        parameters(library->device(), plan.parameters, plan.parameter_elements, false) {}

  Executor& ready() {
    if (!executor) executor = std::make_unique<Executor>(plan, library->device(), parameters, info.seed);
    return *executor;
  }

  CheckpointInfo info;
  std::shared_ptr<const Library> library;
  Plan plan;
  Parameters parameters;
  std::unique_ptr<Executor> executor;  // made by ready()
  double val_accuracy = std::numeric_limits<double>::quiet_NaN();
};

Classifier::Classifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;
Classifier::~Classifier() = default;

Classifier Classifier::fit(const Graph& graph, DataSplits data, const FitOptions& options) {
  const auto library = make_library(options.backend, options.threads);
  const TrainConfig config = config_of(options, graph, *data.dataset);
  CheckpointInfo info;
  info.classes = data.dataset->classes();
  info.preprocess = config.preprocess;
  info.seed = config.seed;
  info.data_fingerprint = data.fingerprint;
  info.graph = with_classes(graph, int64_t(info.classes.size()));

  EpochCallback observer(options);
  Trainer trainer(graph, std::move(data), config, *library, observer);
  const TrainResult result = trainer.run(observer.stop);
  auto state = std::make_unique<State>(std::move(info), library);
  const TensorView from = trainer.parameters().values(), to = state->parameters.values();
  std::vector<float> values(size_t(from.count()));  // by way of the host, whatever the device
  library->device().copy_from(values.data(), from.data, from.bytes());
  library->device().copy_to(to.data, values.data(), to.bytes());
  if (!result.epochs.empty()) state->val_accuracy = result.epochs.back().val_acc;
  return Classifier(std::move(state));
}

Classifier Classifier::fit(const std::string& model, const PictureSet& pictures, const FitOptions& options) {
  return fit(find_model(model), split_in_memory(pictures, options.val_split, options.seed), options);
}

Classifier Classifier::fit(const ModelBuilder& model, const PictureSet& pictures, const FitOptions& options) {
  return fit(parse_model(model.toml(), "ModelBuilder"),
             split_in_memory(pictures, options.val_split, options.seed), options);
}

Classifier Classifier::fit_files(const std::string& model, const std::string& data,
                                 const FitOptions& options) {
  SplitOptions split;
  split.val_split = options.val_split;
  split.seed = options.seed;
  return fit(find_model(model), open_data(data, split), options);
}

Classifier Classifier::load(const std::string& path, const std::string& backend, bool verify) {
  const Checkpoint checkpoint(path);
  auto state = std::make_unique<State>(checkpoint.info(), make_library(backend, 0));
  checkpoint.load(state->parameters);
  const CheckpointInfo& info = state->info;
  if (verify && info.self_test) {
    const SelfTestResult r =
        run_self_test(*info.self_test, info.preprocess, info.classes, state->parameters, state->ready());
    if (!r.fault.empty())
      fail(ErrorCode::checkpoint, printable(path), "{}; load(..., verify = false) goes on all the same",
           r.fault);
  }
  return Classifier(std::move(state));
}

void Classifier::save(const std::string& path) const {
  State& s = *state_;
  if (!s.info.self_test)
    s.info.self_test = make_self_test(sample_pictures(height(), width()), s.info.preprocess, s.ready());
  save_checkpoint(path, s.info, s.parameters, nullptr);
}

const std::vector<std::string>& Classifier::classes() const { return state_->info.classes; }
int Classifier::height() const { return state_->info.preprocess.height; }
int Classifier::width() const { return state_->info.preprocess.width; }
int Classifier::channels() const { return state_->info.preprocess.channels; }
double Classifier::val_accuracy() const { return state_->val_accuracy; }

std::vector<float> Classifier::predict(const uint8_t* pixels, int count) const {
  State& s = *state_;
  Executor& executor = s.ready();
  const int64_t picture = int64_t(height()) * width() * channels(), classes = int64_t(s.info.classes.size());
  std::vector<float> out(size_t(count) * size_t(classes));
  const std::vector<int32_t> unlabelled(kPredictBatch, -1);
  for (int i = 0; i < count; i += kPredictBatch) {
    const int64_t n = std::min(kPredictBatch, count - i);
    const ConstTensorView x{pixels + i * picture, {n, height(), width(), channels()}, DType::u8};
    executor.forward(x, {unlabelled.data(), {n}, DType::i32}, 0, {});
    const TensorView y = executor.output();
    s.library->device().copy_from(out.data() + i * classes, y.data, y.bytes());
  }
  return out;
}

}  // namespace gabor
