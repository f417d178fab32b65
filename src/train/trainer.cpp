#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/sample_pictures.h"
#include "train/training_memory.h"
#include "train/training_pictures.h"

namespace gabor {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

PlanOptions plan_options(const TrainConfig& c, int64_t classes, bool training) {
  PlanOptions o;
  o.batch = c.samples_at_once();
  o.input = {c.preprocess.height, c.preprocess.width, c.preprocess.channels};
  o.classes = classes;
  o.training = training;
  o.loss = c.loss;
  o.label_smoothing = training ? c.label_smoothing : 0;
  o.two_labels = training && c.augment.mixes();
  o.normalize = c.preprocess.normalize();
  if (training) o.arena_limit = c.arena_limit;
  return o;
}

LoaderOptions loader_options(const TrainConfig& c, Device& device, bool training) {
  LoaderOptions o;
  o.batch = training ? c.batch : c.samples_at_once();
  o.height = c.preprocess.height, o.width = c.preprocess.width, o.channels = c.preprocess.channels;
  o.resize = c.preprocess.resize;
  o.threads = c.loader_threads;
  o.seed = c.seed;
  o.shuffle = training;
  if (training) o.augment = c.augment;
  o.prefetch = training ? kTrainingPrefetch : kValidationPrefetch;
  o.device = &device;
  o.max_bad = c.max_bad;
  o.bad_policy = c.bad_policy;
  o.cache = c.cache;
  return o;
}

}  // namespace

struct Trainer::State {
  State(const Graph& graph, DataSplits d, TrainConfig c, const Library& lib, Observer& o)
      : data(prepare(std::move(d), c)),
        config(std::move(c)),
        library(lib),
        observer(o),
        classes(int(data.dataset->classes().size())),
        plan(compile(graph, lib, plan_options(config, classes, true))),
        eval_plan(compile(graph, lib, plan_options(config, classes, false))),
        parameters(lib.device(), plan.parameters, plan.parameter_elements, true, plan.mixed.storage),
        optimizer(lib, config.optimizer, parameters.segments(), parameters.elements()),
        pictures(lib, data.dataset, data.train, loader_options(config, lib.device(), true),
                 plan.options.batch, config.resident) {
    check_micro_batch(plan, config.batch);
    if (plan.mixed.norm) loss_scale.emplace();
    steps = pictures.steps_per_epoch();
    total_steps = int64_t(steps) * config.epochs;
    if (config.max_steps > 0) total_steps = std::min<int64_t>(total_steps, config.max_steps);
    schedule = {config.schedule, config.lr, int64_t(steps) * config.epochs,
                int64_t(std::llround(config.warmup_epochs * steps))};
    if (config.preprocess.scaling == Scaling::none)
      observer.on_warning(
          "pixels go in unscaled (0..255): losses start huge and learning is slow; --scaling centered is the "
          "default");
    if (data.val.empty()) observer.on_warning("no validation set: the best checkpoint is the last one");
  }

  static DataSplits prepare(DataSplits d, const TrainConfig& c) {
    if (c.epochs < 1)
      fail(ErrorCode::usage, "--epochs", "{} is not a number of epochs; must be at least 1", c.epochs);
    if (c.batch < 1) fail(ErrorCode::usage, "--batch", "{} is not a batch size; must be at least 1", c.batch);
    if (c.overfit >
        0) {  // a few training samples, taken evenly so that every class is among them, as both sets
      std::vector<uint32_t> few;
      const size_t n = std::min(size_t(c.overfit), d.train.size());
      for (size_t i = 0; i < n; i++) few.push_back(d.train[i * d.train.size() / n]);
      d.train = d.val = few;
    }
    if (d.train.empty()) fail(ErrorCode::data, "", "the training set is empty");
    return d;
  }

  // Of the weights as they are, for the checkpoints that are saved next. evaluator: of the plan that validates; null
  // where nothing is saved.
  void test_itself(Executor* evaluator) {
    if (config.out.empty()) return;
    if (samples.empty()) samples = sample_pictures(config.preprocess.height, config.preprocess.width);
    self_test = make_self_test(samples, config.preprocess, *evaluator);
  }

  CheckpointInfo info() const {
    CheckpointInfo i;
    i.self_test = self_test;
    i.graph = plan.graph;
    i.classes = data.dataset->classes();
    i.preprocess = config.preprocess;
    i.loss = config.loss;
    i.seed = config.seed;
    i.data_fingerprint = data.fingerprint;
    i.config = config.config_text;
    i.progress = progress;
    return i;
  }

  void save_last() const {
    if (!config.out.empty())
      save_checkpoint(config.out + "/last.safetensors", info(), parameters, &optimizer);
  }

  // Names the files that turned out bad since the last call, and what went wrong with the cache.
  void tell_troubles(const Loader& from, size_t& told) {
    if (config.cache)
      for (const std::string& note : config.cache->take_notes()) observer.on_warning(note);
    const std::vector<BadFile> bad = from.bad_files();
    for (; told < bad.size(); told++) observer.on_warning("skipped a bad file: " + bad[told].reason);
  }

  // A training step: forward and backward, part by part, and one update with the last of them; all queued.
  void queue_step(Executor& executor, Batch& batch, const std::function<void()>& after_part) {
    const int counted = batch.count - batch.bad;
    // The last part's batch may be given back, and filled again, as soon as that part is queued.
    const int64_t total = batch.count, at_once = plan.options.batch;
    const auto step = uint64_t(progress.global_step);
    const auto update = [&](Context& context) {
      optimizer.update(context, parameters.values(), parameters.grads(), executor.gradient_norm());
    };
    const std::function<void(Context&)> none,
        update_by_reference = std::ref(update);  // that allocates nothing
    StepValues values{.step = step};
    const float scale = loss_scale ? loss_scale->begin_step() : 1;
    if (counted) values.update = optimizer.advance(schedule.at(int64_t(step)));
    values.update.unscale = 1 / scale;
    for (int64_t first = 0; first < total; first += at_once) {
      const int64_t count = std::min(at_once, total - first);
      const bool last = first + count == total;
      values.micro_batch = uint32_t(first / at_once);
      const TrainingPictures::Part part = pictures.part(batch, first, count, executor);
      executor.step(part.pixels, part.labels, counted ? scale / float(counted) : 0.0f, values,
                    last && counted ? update_by_reference : none);
      if (last) progress.step++, progress.global_step++;
      queued.push_back({&batch, last, last && counted, scale});
      after_part();
    }
  }

  // Steps that are queued and not finished; of one that is queued in part, only the parts before its last are.
  int steps_queued() const {
    return int(std::count_if(queued.begin(), queued.end(), [](const Part& p) { return p.last; }));
  }

  // The oldest one that is queued: "epoch 1, step 2".
  std::string finished_step() const {
    return fmt::format("epoch {}, step {}", progress.epoch + 1, progress.step - steps_queued() + 1);
  }

  // Waits for the oldest part that is queued and takes its result. Throws when the loss is no number.
  void finish_part(const Executor& executor) {
    const Executor::Result result = executor.result(int(queued.size()) - 1);
    if (!std::isfinite(result.loss_sum))
      fail(ErrorCode::numeric, finished_step(),
           "the loss is {}; the saved checkpoints are from before it: try a lower --lr", result.loss_sum);
    progress.loss_sum += result.loss_sum;
    progress.counted += result.counted;
    progress.correct += result.correct;
    if (loss_scale && queued.front().last)
      finish_scaled_step({queued.front().scale, !queued.front().updates || result.norm.nonfinite == 0});
    if (queued.front().last) pictures.release(queued.front().batch);
    queued.pop_front();
  }

  void finish_scaled_step(const ScaledStep& step) {
    loss_scale->finish_step(step);
    progress.loss_scale = loss_scale->state();
    if (step.finite) return;
    progress.skipped++;
    if (step.scale > LossScale::kLeast) return;
    fail(ErrorCode::numeric, finished_step(),
         "the gradients are not all numbers, even unscaled; the saved checkpoints are from before it: try a "
         "lower "
         "--lr");
  }

  // Of the last step that is finished.
  // loaded: what the loader did in the epoch so far.
  StepRecord step_record(double epoch_seconds, const LoaderStats& loaded, int64_t images) const {
    const int back = steps_queued();
    StepRecord r;
    r.epoch = progress.epoch + 1, r.epochs = config.epochs;
    r.step = progress.step - back, r.steps = steps;
    r.global_step = progress.global_step - back;
    r.loss = progress.counted ? progress.loss_sum / double(progress.counted) : 0;
    r.accuracy = progress.counted ? double(progress.correct) / double(progress.counted) : 0;
    r.lr = schedule.at(r.global_step - 1);
    r.images_per_s = epoch_seconds > 0 ? double(images) / epoch_seconds : 0;
    r.data_wait_pct = epoch_seconds > 0 ? 100 * loaded.wait_seconds / epoch_seconds : 0;
    if (loaded.decoded > 0)
      r.picture = {1e3 * loaded.decode_seconds / double(loaded.decoded),
                   1e3 * loaded.resize_seconds / double(loaded.decoded)};
    const int64_t done_here = r.global_step - first_step;
    r.seconds_left =
        done_here > 0 ? seconds_since(begin) / double(done_here) * double(total_steps - r.global_step) : 0;
    return r;
  }

  void tell_replay_fault(const Executor& executor) {
    if (replay_fault_told || executor.replay_fault().empty()) return;
    replay_fault_told = true;
    observer.on_warning("steps are not replayed as a CUDA graph: " + executor.replay_fault());
  }

  bool train_epoch(Executor& executor, const std::atomic<bool>& stop, EpochRecord& record);
  bool validate(Executor& executor, const std::atomic<bool>& stop, EvalResult& result);

  DataSplits data;
  TrainConfig config;
  const Library& library;
  Observer& observer;
  int classes;
  Plan plan, eval_plan;
  Parameters parameters;
  OptimizerState optimizer;
  std::optional<LossScale> loss_scale;  // where the plan asks for one
  TrainingPictures pictures;
  std::unique_ptr<Loader> val_loader;
  std::vector<std::vector<uint8_t>> samples;  // for self-tests; drawn when first needed
  std::optional<SelfTest> self_test;
  Schedule schedule;
  Progress progress;
  int steps = 0;
  int64_t total_steps = 0, first_step = 0;
  Clock::time_point begin = Clock::now();
  bool resumed = false;
  size_t bad_told = 0, val_bad_told = 0;  // bad files named so far
  struct Part {
    Batch* batch;
    bool last;     // of its batch
    bool updates;  // the parameters
    float scale;   // of its gradients
  };
  std::deque<Part> queued;  // parts that are not finished, oldest first
  bool replay_fault_told = false;
};

// false: stopped in the middle; progress says where.
bool Trainer::State::train_epoch(Executor& executor, const std::atomic<bool>& stop, EpochRecord& record) {
  const auto epoch_begin = Clock::now();
  const LoaderStats before = pictures.loader().stats();
  int64_t images = 0;
  auto loaded = [&] { return pictures.loader().stats().since(before); };
  // A device that works by itself has the next part queued before the result of this one is waited for; not when every
  // step of the plan is watched.
  const size_t in_flight = library.device().asynchronous() ? 1 : 0;
  const auto finish_all_but = [&](size_t left) {
    while (queued.size() > left) {
      const Part part = queued.front();
      if (part.last) images += part.batch->count;
      finish_part(executor);
      if (part.last) observer.on_step(step_record(seconds_since(epoch_begin), loaded(), images));
    }
  };
  queued.clear();
  pictures.start(progress.epoch, progress.step);
  while (Batch* batch = pictures.next()) {
    observer.before_step(progress.global_step + 1, executor);
    queue_step(executor, *batch, [&] { finish_all_but(executor.on_step ? 0 : in_flight); });
    if (progress.global_step >= total_steps || stop) break;
  }
  finish_all_but(0);
  const bool whole = progress.step == steps || progress.global_step == total_steps;
  tell_replay_fault(executor);
  const double seconds = seconds_since(epoch_begin);
  const StepRecord last = step_record(seconds, loaded(), images);
  progress.seconds += seconds;
  record.epoch = last.epoch, record.epochs = config.epochs;
  record.global_step = progress.global_step;
  record.train_loss = last.loss, record.train_acc = last.accuracy;
  record.lr = last.lr;
  record.images_per_s = last.images_per_s, record.data_wait_pct = last.data_wait_pct;
  record.seconds = progress.seconds;
  record.picture = last.picture;
  record.skipped = progress.skipped;
  if (loss_scale) record.loss_scale = double(loss_scale->state().scale);
  tell_troubles(pictures.loader(), bad_told);
  return whole;
}

// false: stopped.
bool Trainer::State::validate(Executor& executor, const std::atomic<bool>& stop, EvalResult& result) {
  if (!val_loader)
    val_loader =
        std::make_unique<Loader>(data.dataset, data.val, loader_options(config, library.device(), false));
  StepRecord r = step_record(0, {}, 0);
  r.validating = true;
  result = evaluate(executor, *val_loader, classes, [&](int done, int total) {
    r.step = done, r.steps = total;
    observer.on_step(r);
    return !stop;
  });
  tell_troubles(*val_loader, val_bad_told);
  return !stop;
}

Trainer::Trainer(const Graph& graph, DataSplits data, TrainConfig config, const Library& library,
                 Observer& observer, const Checkpoint* resume, const Checkpoint* init)
    : state_(std::make_unique<State>(graph, std::move(data), std::move(config), library, observer)) {
  State& s = *state_;
  s.parameters.initialize(s.config.seed);
  if (init) init->load(s.parameters);
  if (resume) {
    if (resume->info().data_fingerprint != s.data.fingerprint)
      fail(ErrorCode::checkpoint, s.config.out,
           "the data set is not the one this run was trained on (files, labels or split have changed)");
    resume->load(s.parameters);
    resume->load(s.parameters, s.optimizer);
    s.progress = resume->info().progress;
    if (s.loss_scale && s.progress.loss_scale) s.loss_scale.emplace(*s.progress.loss_scale);
    s.resumed = true;
    if (s.progress.epoch >= s.config.epochs)
      fail(ErrorCode::usage, s.config.out,
           "this run is finished ({} of {} epochs); give a larger --epochs to train on", s.progress.epoch,
           s.config.epochs);
  }
}

Trainer::~Trainer() = default;
const Plan& Trainer::plan() const { return state_->plan; }
Parameters& Trainer::parameters() { return state_->parameters; }

TrainResult Trainer::run(const std::atomic<bool>& stop) {
  State& s = *state_;
  Executor trainer(s.plan, s.library.device(), s.parameters, s.config.seed);
  const bool validates = !s.data.val.empty();
  std::unique_ptr<Executor> evaluator;
  if (validates || !s.config.out.empty())
    evaluator = std::make_unique<Executor>(s.eval_plan, s.library.device(), s.parameters, s.config.seed);

  RunInfo info;
  info.plan = &s.plan;
  info.classes = s.data.dataset->classes();
  info.train_samples = int64_t(s.data.train.size());
  info.val_samples = int64_t(s.data.val.size());
  info.test_samples = int64_t(s.data.test.size());
  info.split_note = s.data.split_note;
  info.preprocess = s.config.preprocess;
  info.device = fmt::format("{}, {} threads", s.library.device().name(), max_threads());
  info.backends = s.library.names();
  info.out = s.config.out;
  info.resident = s.config.resident;
  info.resumed = s.resumed;
  info.first_epoch = s.progress.epoch + 1;
  s.observer.on_start(info);

  // Parts that are smaller than the others: of a whole batch, and of the epoch's last one.
  for (const int64_t batch : {int64_t(s.config.batch), int64_t(s.data.train.size()) % s.config.batch})
    if (const int64_t rest = batch % s.plan.options.batch) trainer.reserve(rest);

  TrainResult result;
  s.begin = Clock::now();
  s.first_step = s.progress.global_step;
  while (s.progress.epoch < s.config.epochs && s.progress.global_step < s.total_steps) {
    EpochRecord record;
    const bool whole = s.train_epoch(trainer, stop, record);
    if (!whole || (validates && !s.validate(*evaluator, stop, result.validation))) {
      s.test_itself(evaluator.get());
      s.save_last();
      result.stopped = true;
      break;
    }
    record.bad_files = int64_t(s.bad_told + s.val_bad_told);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    record.val_loss = validates ? result.validation.loss : nan;
    record.val_acc = validates ? result.validation.accuracy() : nan;
    // The best is the most accurate, of equals the one with the smaller loss.
    record.best = !validates || record.val_acc > s.progress.best_val_acc ||
                  (record.val_acc == s.progress.best_val_acc && record.val_loss < s.progress.best_val_loss);
    Progress next;
    next.epoch = s.progress.epoch + 1;
    next.global_step = s.progress.global_step;
    next.best_val_acc = record.best && validates ? record.val_acc : s.progress.best_val_acc;
    next.best_val_loss = record.best && validates ? record.val_loss : s.progress.best_val_loss;
    next.best_epoch = record.best ? s.progress.epoch : s.progress.best_epoch;
    next.loss_scale = s.progress.loss_scale;
    s.progress = next;
    s.test_itself(evaluator.get());
    if (record.best && !s.config.out.empty())
      save_checkpoint(s.config.out + "/best.safetensors", s.info(), s.parameters, nullptr);
    // Told before saved: a run that is killed in between tells the epoch again, instead of never.
    result.epochs.push_back(record);
    s.observer.on_epoch(record);
    s.save_last();
    if (stop && s.progress.epoch < s.config.epochs) {
      result.stopped = true;
      break;
    }
  }
  result.progress = s.progress;
  return result;
}

}  // namespace gabor
