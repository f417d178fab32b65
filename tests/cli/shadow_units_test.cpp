// Shadow training: a defect is found in the first step that is checked, its case is saved and repeats it; what is right is
// never accused.
#include <gtest/gtest.h>

#include <fstream>

#include "backends/all.h"
#include "backends/cuda/tiny_net.h"
#include "backends/reference/backend.h"
#include "cli/broken_backend.h"
#include "cli/saved_case.h"
#include "cli/train_shadow.h"
#include "duel/duel.h"
#include "duel/problem_record.h"
#include "model/executor.h"
#include "model/nets.h"
#include "temp_folder.h"
#include "train/sets.h"

namespace gabor {
namespace {

using testing::Defect;
using testing::error_of;

// Stride 2 on 12x12 and then on 5x5 leaves a row over.
constexpr const char* kNet = R"(
name = "net"
[[layer]]
type = "conv2d"
name = "one"
filters = 4
kernel = 3
activation = "relu"
[[layer]]
type = "pool2d"
kind = "max"
[[layer]]
type = "conv2d"
name = "two"
filters = 6
kernel = 2
stride = 2
activation = "tanh"
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
name = "three"
units = "classes"
activation = "softmax"
)";

TrainConfig config(int batch = 8) {
  TrainConfig c;
  c.epochs = 1, c.batch = batch;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.loader_threads = 1;
  return c;
}

// Stops as the command does.
struct ShadowRun {
  ShadowRun(const Library& main, const std::string& backend, int64_t every, const std::string& folder = "")
      : settings(settings_of(backend, every)), shadow(settings, main, folder) {
    shadow.on_breach([this] { stop = true; });
  }
  static TrainSettings settings_of(const std::string& backend, int64_t every) {
    TrainSettings s;
    s.shadow = {backend, every};
    return s;
  }
  TrainResult run(const char* net, TrainConfig c) {
    Trainer trainer(parse_model(net, "net"), split_in_memory(testing::bars(60), 0.3, 1), std::move(c),
                    shadow.library(), shadow);
    const TrainResult result = trainer.run(stop);
    const TensorView v = trainer.parameters().values();
    weights.assign(v.as<float>(), v.as<float>() + v.count());
    return result;
  }
  TrainSettings settings;
  TrainShadow shadow;
  std::atomic<bool> stop{false};
  std::vector<float> weights;
};

struct Broken {
  Defect defect;
  const char *name, *file, *text;  // the case's file, and how its line begins
};
void PrintTo(const Broken& b, std::ostream* out) { *out << b.name; }

class ShadowFinds : public ::testing::TestWithParam<Broken> {
 protected:
  bool right(const std::string& file, std::vector<std::shared_ptr<const Backend>> backends) {
    const SavedCase saved = read_case(file);
    DuelProblem problem{.name = "replay", .problem = saved.breach.problem};
    problem.given = std::make_shared<const CallTensors>(saved.breach.call);
    DuelOptions options;
    options.passes = {saved.breach.pass};
    options.repetitions.seconds = 1e-3;
    options.baseline = backends[0]->name();
    const Duel duel = run_duel({problem}, backends, *make_reference_backend(), options);
    for (const DuelRecord& r : duel.records) EXPECT_TRUE(r.ran()) << r.candidate << ": " << r.unsupported;
    return duel.right();
  }
  testing::TempFolder folder_;
};

TEST_P(ShadowFinds, ADefectInTheFirstCheckAndTheCaseRepeatsIt) {
  const auto broken = testing::broken_backend(GetParam().defect);
  const Library main({broken});
  ShadowRun run(main, "reference", 3, folder_.path());
  const TrainResult result = run.run(kNet, config());
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.progress.global_step, 3);
  const std::string file = folder_.path() + "/shadow/" + GetParam().file;
  const std::string line = error_of([&] { run.shadow.check(); });
  EXPECT_EQ(line.find(GetParam().text), 0u) << line;
  EXPECT_NE(line.find("; to repeat it: gabor duel --replay " + file), std::string::npos) << line;
  EXPECT_FALSE(right(file, {broken}));
  EXPECT_TRUE(right(file, {testing::broken_backend(Defect::none), make_reference_backend()}));
}

INSTANTIATE_TEST_SUITE_P(
    Each, ShadowFinds,
    ::testing::Values(
        Broken{Defect::flipped_tap, "FlippedTap", "step-000003-one-fprop.safetensors",
               "step 3: one fprop on broken (broken kernel), checked by reference, is over its error budget: "
               "y["},
        Broken{Defect::last_channel_lost, "LastChannelLost", "step-000003-one-fprop.safetensors",
               "step 3: one fprop on broken (broken kernel), checked by reference"},
        Broken{Defect::remainder_not_zero, "RemainderNotZero", "step-000003-two-dgrad.safetensors",
               "step 3: two dgrad on broken (broken kernel), checked by reference, is over its error budget: "
               "dx["},
        Broken{Defect::zero_dw, "ZeroDw", "step-000003-two-wgrad.safetensors",
               "step 3: two wgrad on broken (broken kernel), checked by reference, is over its error budget: "
               "dw["},
        Broken{Defect::dense_bias_lost, "DenseBiasLost", "step-000003-three-fprop.safetensors",
               "step 3: three fprop on broken, checked by reference, is over its error budget: y["},
        Broken{Defect::block_zero_dw, "BlockZeroDw", "step-000003-one-wgrad.safetensors",
               "step 3: one wgrad on broken, checked by reference, is over its error budget: dw["}),
    [](const auto& info) { return info.param.name; });

TEST(Shadow, SavesTheCaseOfWhatEndsTheStep) {
  const testing::TempFolder folder;
  const Library main({testing::broken_backend(Defect::nan_y)});
  ShadowRun run(main, "reference", 1, folder.path());
  EXPECT_THROW(run.run(kNet, config()), Error) << "the loss is NaN";
  const std::string line = error_of([&] { run.shadow.check(); });
  EXPECT_EQ(
      line.find(
          "step 1: one fprop on broken (broken kernel), checked by reference, is over its error budget: "
          "y[0,0,0,0] is nan"),
      0u)
      << line;
  EXPECT_EQ(read_case(folder.path() + "/shadow/step-000001-one-fprop.safetensors").breach.layer, "one");
}

struct Pair {
  const char *main, *shadow;
};

TEST(Shadow, AccusesNobodyWhoIsRightAndChangesNoBit) {
  for (const char* net : {kNet, testing::kBarsNet, testing::kNormalisedBarsNet, testing::kTinyNet})
    for (const Pair& pair : {Pair{"cpu", "reference"}, Pair{"reference", "cpu"}}) {
      const auto main = make_library(pair.main, 0);
      ShadowRun checked(*main, pair.shadow, 1), seldom(*main, pair.shadow, 1000);
      TrainConfig c = config();
      c.epochs = 3;
      checked.run(net, c);
      EXPECT_EQ(error_of([&] { checked.shadow.check(); }), "") << net << pair.main;
      EXPECT_EQ(checked.shadow.summary().steps, 3 * 6) << "42 pictures in batches of 8";
      EXPECT_GE(checked.shadow.summary().worst.size(), 8u);
      seldom.run(net, c);
      EXPECT_EQ(seldom.shadow.summary().steps, 0);
      Observer nobody;
      Trainer plain(parse_model(net, "net"), split_in_memory(testing::bars(60), 0.3, 1), c, *main, nobody);
      plain.run(checked.stop);
      const TensorView v = plain.parameters().values();
      const std::vector<float> weights(v.as<float>(), v.as<float>() + v.count());
      EXPECT_EQ(checked.weights, weights);
      EXPECT_EQ(seldom.weights, weights);
    }
}

TEST(Shadow, AccusesNobodyWhileANetDiverges) {
  const auto main = make_library("cpu", 0);
  for (const float lr : {5.0f, 300.0f, 1e6f}) {
    ShadowRun run(*main, "reference", 1);
    TrainConfig c = config();
    c.epochs = 4, c.lr = lr, c.optimizer.kind = OptimizerKind::sgd;
    const std::string end = error_of([&] { run.run(kNet, c); });
    EXPECT_EQ(error_of([&] { run.shadow.check(); }), "") << lr << " " << end;
    EXPECT_GE(run.shadow.summary().steps, 1);
  }
}

TEST(Shadow, SaysWhatItChecksAndWhatNot) {
  const auto main = make_library("cpu", 0);
  ShadowRun run(*main, "reference", 2);
  run.run(testing::kTinyNet, config());
  const ShadowSummary& s = run.shadow.summary();
  EXPECT_EQ(s.steps, 3);
  for (const char* label : {"conv2d_1 y", "conv2d_1 dw", "a dx", "a activation dx", "b running_var",
                            "b dgamma", "loss dy", "global_pool_1 dx"})
    EXPECT_TRUE(s.worst.count(label)) << label;
  for (const auto& [label, fraction] : s.worst) EXPECT_LE(fraction, 1) << label;
  EXPECT_EQ(s.unchecked, (std::set<std::string>{"add_1 add", "dropout_1 dropout", "the optimizer's update"}));
  EXPECT_EQ(s.text().find("3 checks, worst "), 0u) << s.text();
}

// Checks every step; how often the last layer's forward was judged.
struct PartCounter : Observer {
  PartCounter(const Library& main, const Library& second) : shadow(main, second) {}
  void before_step(int64_t, Executor& executor) override {
    executor.on_step = [this](const Step& step, bool backward, double) { shadow.step_ran(step, backward); };
    shadow.begin_step();
  }
  void on_step(const StepRecord& r) override {
    if (r.validating) return;
    for (const ShadowCheck& check : shadow.end_step()) judged += check.label == "three y";
  }
  Shadow shadow;
  int judged = 0;
};

TEST(Shadow, ChecksEveryPartOfAStep) {
  const auto main = make_library("cpu", 0), second = make_library("reference", 0);
  PartCounter counter(*main, *second);
  TrainConfig c = config();
  c.micro_batch = 5;
  Trainer trainer(parse_model(kNet, "net"), split_in_memory(testing::bars(60), 0.3, 1), c,
                  counter.shadow.library(), counter);
  const std::atomic<bool> stop{false};
  trainer.run(stop);
  EXPECT_EQ(counter.shadow.summary().steps, 6) << "42 pictures in batches of 8";
  EXPECT_EQ(counter.judged, 5 * 2 + 1) << "the last batch has 2 pictures";
  EXPECT_EQ(counter.shadow.breach(), nullptr);
}

TEST(Shadow, OfOneselfIsRefused) {
  const auto main = make_library("cpu", 0);
  EXPECT_EQ(error_of([&] { ShadowRun(*main, "cpu", 1); }),
            "--shadow: 'cpu' is the backend of this run: it cannot check itself; use reference");
}

// A saved case of max pooling's backward, and what can be wrong with it.
class SavedCases : public ::testing::Test {
 protected:
  SavedCases() {
    saved_.step = 7;
    ShadowBreach& b = saved_.breach;
    b.layer = "pool", b.backend = "cuda", b.math = "fp32", b.shadow = "cpu",
    b.fault = "dx[3] is 1, expected 2";
    b.problem = parse_pool2d("max N=1 H=4 W=4 C=2");
    b.pass = Pass::dgrad;
    const CallSpec spec = call_spec(b.problem, b.pass);
    for (const TensorSpec& t : spec.inputs) b.call.inputs.emplace_back(t.shape, t.dtype);
    b.call.inputs[0] = {}, b.call.inputs[1] = {};
    b.call.inputs[2].view().as<uint8_t>()[1] = 3;
    b.call.inputs[3].floats()[1] = 0.5f;
    b.call.outputs.emplace_back(spec.outputs[0].shape);
    b.call.outputs[0].floats()[2] = 1.5f;
    b.call.mode = GradMode::accumulate;
    b.got = b.want = b.call.outputs;
  }
  std::string path() const { return folder_.path() + "/case.safetensors"; }
  std::string error() {
    save_case(path(), saved_);
    return error_of([&] { read_case(path()); });
  }
  testing::TempFolder folder_;
  SavedCase saved_;
};

TEST_F(SavedCases, ComeBackWhole) {
  EXPECT_EQ(error(), "");
  const SavedCase back = read_case(path());
  const ShadowBreach &a = saved_.breach, &b = back.breach;
  EXPECT_EQ(back.step, 7);
  EXPECT_EQ(b.pass, a.pass);
  EXPECT_EQ(record_of(b.problem), record_of(a.problem));
  EXPECT_EQ(b.call.mode, GradMode::accumulate);
  EXPECT_FALSE(b.call.inputs[0]);
  EXPECT_EQ(b.call.inputs[2].dtype(), DType::u8);
  EXPECT_EQ(b.call.inputs[2].value(1), 3);
  EXPECT_EQ(b.call.inputs[3].value(1), 0.5);
  EXPECT_EQ(b.call.outputs[0].value(2), 1.5);
  EXPECT_EQ(breach_text(b),
            "pool dgrad on cuda, checked by cpu, is over its error budget: dx[3] is 1, expected 2");
}

TEST_F(SavedCases, WithWinnersOutsideTheirWindowAreRefused) {
  saved_.breach.call.inputs[2].view().as<uint8_t>()[0] = 4;
  EXPECT_EQ(error(), path() + ": is a damaged case: 'argmax' has a winner outside its window");
}

TEST_F(SavedCases, OfAnotherShapeThanTheirProblemAreRefused) {
  saved_.breach.call.inputs[3] = HostTensor({1, 2, 1, 2});
  EXPECT_EQ(error(), path() + ": is a damaged case: 'dy' is 1x2x1x2 but the problem says 1x2x2x2");
}

TEST_F(SavedCases, OfUnknownMathAreRefused) {
  saved_.breach.math = "int4";
  EXPECT_EQ(error(), path() + ": is a damaged case: unknown math 'int4'");
}

TEST_F(SavedCases, WithoutATensorAreRefused) {
  saved_.breach.call.inputs[3] = {};
  EXPECT_EQ(error(), path() + ": is a damaged case: it lacks the tensor 'dy'");
}

TEST(ProblemText, ComesBackForEveryOp) {
  for (const auto& [op, text] : std::vector<std::pair<std::string, std::string>>{
           {"conv2d", "N=3 H=11 W=9 C=4 K=6 R=3 S=5 pad=1,0,2,1 stride=2,1 act=elu alpha=0.5"},
           {"pool2d", "max N=2 H=9 W=8 C=5 R=3 S=2 pad=1,0 stride=2,2 ceil"},
           {"dense", "N=7 C=33 K=5 act=leaky_relu alpha=0.1"},
           {"dense", "N=7 C=33 K=5"},
           {"softmax", "N=9 K=17"},
           {"loss", "softmax_cross_entropy N=9 K=17 label_smoothing=0.1"},
           {"loss", "mse N=9 K=17 label_smoothing=0"},
           {"loss", "mse N=9 K=17 label_smoothing=0 labels=2"},
           {"activation", "gelu alpha=0 count=300"},
           {"batchnorm", "rows=60 C=7 epsilon=1e-05 momentum=0.1"},
           {"batchnorm", "rows=60 C=7 epsilon=1e-05 momentum=0.1 act=relu"},
           {"first_block",
            "u8 | N=3 H=12 W=13 C=3 K=5 R=3 S=3 pad=0,0 stride=1,1 act=relu | max N=3 H=10 W=11 C=5 R=2 S=2 "
            "pad=0,0 stride=2,2 | scale=0.5,0.5,0.25,1 shift=-1,-1,-1,0"}})
    EXPECT_EQ(record_of(problem_of_record(op, text)), text);
}

TEST(ProblemText, OfNonsenseIsRefused) {
  for (const auto& [op, text] :
       std::vector<std::pair<std::string, std::string>>{{"conv3d", "N=1"},
                                                        {"dense", "N=7 C=33"},
                                                        {"dense", "N=7 C=33 K=5 Q=2"},
                                                        {"dense", "N=0 C=33 K=5"},
                                                        {"dense", "N=2147483648 C=2147483648 K=2147483648"},
                                                        {"loss", "hinge N=9 K=17 label_smoothing=0"},
                                                        {"activation", "relu count=3"},
                                                        {"batchnorm", "rows=6 C=7 epsilon=0 momentum=0.1"},
                                                        {"first_block", "u8 | N=1 H=4 W=4 C=1 K=1 R=1 S=1"}})
    EXPECT_THROW(problem_of_record(op, text), Error) << op << " " << text;
}

}  // namespace
}  // namespace gabor
