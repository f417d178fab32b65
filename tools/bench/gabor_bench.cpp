// gabor-bench step: times one training step (forward, backward, Adam) of a model on random pictures that are
// already in memory, as tools/bench/peers times other frameworks. Prints JSON lines: the whole step first,
// then (--ops) each op.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backends/all.h"
#include "cli/wait_policy.h"
#include "core/philox.h"
#include "model/executor.h"
#include "model/step_cost.h"
#include "optim/optimizer_state.h"

namespace gabor {
namespace {

struct Options {
  std::string model = "article", backend = "auto", precision = "fp32", input = "f32";
  int batch = 32, threads = 0;
  bool ops = false, eager = false, resident = false;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const size_t n = v.size();
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

long peak_mib() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

constexpr float kRate = 1e-3f;

class StepBench {
 public:
  explicit StepBench(const Options& o)
      : options_(o),
        library_(std::make_shared<Library>(make_library(o.backend, o.threads)->in_precision(o.precision))),
        plan_((o.eager ? compile_eager : compile)(find_model(o.model), *library_, plan_options(o))),
        parameters_(library_->device(), plan_.parameters, plan_.parameter_elements, true,
                    plan_.mixed.storage),
        optimizer_(*library_, OptimizerProblem{}, parameters_.segments(), parameters_.elements()),
        executor_(plan_, library_->device(), parameters_, 1) {
    parameters_.initialize(1);
    const Shape& input = plan_.options.input;
    images_ = {nullptr, input.prepend(o.batch), plan_.options.input_dtype};
    Device& device = library_->device();
    pixels_ = HostBuffer(device, images_.bytes());
    labels_ = HostBuffer(device, size_t(o.batch) * sizeof(int32_t));
    images_.data = pixels_.data();
    Random random({.seed = 1});
    fill(random);
    for (int i = 0; i < o.batch; ++i)
      static_cast<int32_t*>(labels_.data())[i] = int32_t(i % plan_.table[plan_.output].shape.count());
    if (!o.resident) return;
    resident_ = Buffer(device, images_.bytes());
    device.copy_to(resident_.data(), images_.data, images_.bytes());
    images_.data = resident_.data();
  }

  void run() {
    constexpr int kWarmUp = 3, kMin = 7, kMax = 40;  // as peers/timing.py
    constexpr double kSeconds = 6;
    for (int i = 0; i < kWarmUp; ++i) step();
    finish();
    // A device that works by itself is kept busy, as the trainer does: a round is so many steps that its end hardly counts.
    const int steps = library_->device().asynchronous() ? steps_of(0.03) : 1;
    std::vector<double> times;
    double used = 0;
    while (int(times.size()) < kMin || (int(times.size()) < kMax && used < kSeconds)) {
      const double start = now();
      for (int i = 0; i < steps; ++i) step();
      finish();
      times.push_back((now() - start) * 1e3 / steps);
      used += times.back() * steps / 1e3;
    }
    const auto [least, most] = std::minmax_element(times.begin(), times.end());
    fmt::print(
        R"({{"peer":"gabor","net":"{}","batch":{},"median_ms":{:.3f},"min_ms":{:.3f},"max_ms":{:.3f},"steps":{},)"
        R"("rss_mib":{},"note":"gabor{}, {}, {} input, {} parameters, {} MiB arena"}})"
        "\n",
        options_.model, options_.batch, median(times), *least, *most, times.size() * size_t(steps),
        peak_mib(), options_.eager ? " eager" : "", options_.precision, options_.input,
        plan_.parameter_count(), plan_.memory.arena_bytes >> 20);
    if (const std::string fault = executor_.replay_fault(); !fault.empty())
      fmt::print(stderr, "gabor-bench: no graph: {}\n", fault);
  }

  void run_ops() {
    constexpr int kSteps = 15;
    struct Op {
      std::vector<double> ms;
      int64_t flops = 0, bytes = 0;
    };
    std::map<std::string, Op> ops;
    std::vector<std::string> order;
    const auto add = [&](const std::string& name, double seconds, int64_t flops, int64_t bytes) {
      Op& op = ops[name];
      if (op.ms.empty()) order.push_back(name);
      op.ms.push_back(seconds * 1e3);
      op.flops = flops;
      op.bytes = bytes;
    };
    executor_.on_step = [&](const Step& step, bool backward, double seconds) {
      add(fmt::format("{} {} {}", step.layer, step.op(), backward ? "backward" : "forward"), seconds,
          step_flops(plan_, step, backward), step_bytes(plan_, step, backward));
    };
    for (int i = 0; i < kSteps; ++i) {
      executor_.forward(images_, labels(), 1.0f / options_.batch,
                        {.step = uint64_t(i), .update = optimizer_.advance(kRate)});
      executor_.backward();
      const double start = now();
      update(executor_.context());
      // Adam reads w, g, m, v and writes w, m, v: 7 floats and about 12 operations an element.
      add("adam update", now() - start, 12 * parameters_.elements(), 28 * parameters_.elements());
    }
    executor_.on_step = nullptr;
    for (const std::string& name : order) {
      const Op& op = ops[name];
      const double ms = median(op.ms);
      if (ms < 0.0005) continue;  // has nothing to do in this direction (the loss's backward)
      fmt::print(
          R"({{"peer":"gabor","net":"{}","batch":{},"op":"{}","median_ms":{:.4f},"gflop":{:.6f},"mib":{:.4f}}})"
          "\n",
          options_.model, options_.batch, name, ms, double(op.flops) / 1e9, double(op.bytes) / (1 << 20));
    }
  }

 private:
  static PlanOptions plan_options(const Options& o) {
    PlanOptions p;
    p.batch = o.batch;
    p.input = find_model(o.model).input;
    p.input_dtype = o.input == "u8" ? DType::u8 : DType::f32;
    p.normalize.scale.fill(1 / 127.5f);
    p.normalize.shift.fill(-1);
    return p;
  }

  void fill(Random& random) {
    const int64_t count = images_.count();
    if (images_.dtype == DType::u8) {
      for (int64_t i = 0; i < count; ++i) static_cast<uint8_t*>(images_.data)[i] = uint8_t(random.below(256));
    } else {
      for (int64_t i = 0; i < count; ++i) static_cast<float*>(images_.data)[i] = random.uniform(-1, 1);
    }
  }

  ConstTensorView labels() const { return {labels_.data(), {int64_t(options_.batch)}, DType::i32}; }

  void update(Context& context) {
    optimizer_.update(context, parameters_.values(), parameters_.grads(), executor_.gradient_norm());
  }

  // As the trainer's: on a device that works by itself, the result of the step before is read while this one runs.
  void step() {
    const UpdateValues update = optimizer_.advance(kRate);
    executor_.step(images_, labels(), 1.0f / options_.batch, {.step = uint64_t(update.t), .update = update},
                   [this](Context& context) { this->update(context); });
    if (queued_++ > 0) executor_.result(1);
  }
  void finish() { executor_.result(); }

  // Steps that take about so long.
  int steps_of(double seconds) {
    const double start = now();
    for (int i = 0; i < 10; ++i) step();
    finish();
    return std::max(1, int(seconds * 10 / (now() - start)));
  }

  Options options_;
  std::shared_ptr<Library> library_;
  Plan plan_;
  Parameters parameters_;
  OptimizerState optimizer_;
  Executor executor_;
  HostBuffer pixels_, labels_;
  Buffer resident_;
  TensorView images_;
  int64_t queued_ = 0;
};

}  // namespace
}  // namespace gabor

int main(int argc, char** argv) {
  gabor::prefer_short_waits(argv);  // as `gabor train` does
  gabor::Options options;
  CLI::App app("gabor's benchmarks; JSON lines on stdout");
  app.require_subcommand(1);
  CLI::App* step = app.add_subcommand("step", "one training step on pictures in memory");
  step->add_option("--model", options.model, "name of the zoo or model file");
  step->add_option("--batch", options.batch)->check(CLI::Range(1, 65536));
  step->add_option("--input", options.input, "type of the pictures")->check(CLI::IsMember({"f32", "u8"}));
  step->add_option("--backend", options.backend);
  step->add_option("--precision", options.precision,
                   "fp32, tf32, bf16 or fp16; the latter two with --input u8")
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}));
  step->add_option("--threads", options.threads, "0: all cores");
  step->add_flag("--eager", options.eager, "unfused, every value in bytes of its own: what planning saves");
  step->add_flag("--resident", options.resident, "the pictures are in the device's memory already");
  step->add_flag("--ops", options.ops, "each op of the step as well");
  CLI11_PARSE(app, argc, argv);
  try {
    gabor::StepBench bench(options);
    bench.run();
    if (options.ops) bench.run_ops();
  } catch (const gabor::Error& error) {
    fmt::print(stderr, "gabor-bench: {}\n", error.what());
    return int(error.code());
  }
}
