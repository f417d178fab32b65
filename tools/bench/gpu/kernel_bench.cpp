// kernel_bench: times every kernel of kernels/ on a GPU, each beside the naive one and beside what the card can do at best,
// which is measured in the same run. One JSON object a line: first the roof, then one a measurement.
//
// A measurement is the median of repetitions by CUDA events, after warm-up and with the L2 cache flushed before each; the
// kernels of one problem take turns, so that a clock that drifts drifts for all of them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "duel/problem_list.h"
#include "duel/statistics.h"
#include "gpu/workloads.h"
#include "kernels/simt/error.h"

namespace gabor::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> problems, tags, ops;
  double seconds = 0.15;  // of GPU time for one kernel, flushes not counted
  int most = 30;          // repetitions
  bool device_only = false;
};

constexpr int kWarmUp = 2, kLeast = 7;  // the 95 % interval needs 6
constexpr double kSlow = 8;  // a kernel that takes so many times its seconds gets fewer repetitions

std::vector<WorkloadMaker> all_workloads(Gpu& gpu, const Options& o) {
  std::vector<DuelProblem> listed;
  for (const std::string& path : o.problems)
    for (DuelProblem& p : read_problem_list(path)) listed.push_back(std::move(p));
  std::erase_if(listed, [&](const DuelProblem& p) {
    const bool wanted = o.tags.empty() || std::ranges::find(o.tags, p.tag) != o.tags.end();
    return !wanted || !std::holds_alternative<Conv2dProblem>(p.problem);
  });
  std::vector<WorkloadMaker> makers;
  const auto add = [&](const char* op, const std::vector<WorkloadMaker>& more) {
    if (o.ops.empty() || std::ranges::find(o.ops, op) != o.ops.end())
      makers.insert(makers.end(), more.begin(), more.end());
  };
  add("gemm", dense_workloads(gpu));
  add("pool2d", pool2d_workloads(gpu));
  add("softmax_xent", softmax_xent_workloads(gpu));
  add("first_block", first_block_workloads(gpu));
  add("batchnorm", batchnorm_workloads(gpu));
  add("optimizer", optimizer_workloads(gpu));
  add("conv2d", conv2d_workloads(gpu, listed));
  return makers;
}

class KernelBench {
 public:
  explicit KernelBench(const Options& options) : options_(options) {}

  void describe_device() {
    print({{"device", gpu_.device().name()},
           {"versions", cuda_versions()},
           {"code", fmt::format("sm_{}", gpu_.code_capability())},
           {"multiprocessors", gpu_.device().multiprocessors()},
           {"l2_mib", double(gpu_.l2_bytes()) / (1 << 20)}});
  }

  void run() {
    describe_device();
    roof_ = gpu_.measure_roof();
    print({{"roof", gpu_.device().name()},
           {"copy_gbs", roof_.copy_bytes / 1e9},
           {"ffma_tflops", roof_.ffma / 1e12},
           {"tf32_mma_tflops", roof_.tf32 / 1e12},
           {"f16_mma_tflops", roof_.f16 / 1e12},
           {"empty_kernel_us", roof_.launch_seconds * 1e6}});
    for (const WorkloadMaker& make : all_workloads(gpu_, options_)) {
      try {
        const Workload workload = make();
        measure(workload);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::memory) throw;
        print({{"skipped", error.what()}});
      }
    }
  }

 private:
  void measure(const Workload& w) {
    std::vector<std::vector<double>> times(w.candidates.size());
    std::vector<double> used(w.candidates.size());
    const auto enough = [&](size_t i) {
      const bool slow = used[i] > kSlow * options_.seconds && !times[i].empty();
      return slow || (used[i] > options_.seconds && times[i].size() >= size_t(kLeast));
    };
    for (int round = -kWarmUp; round < options_.most; ++round)
      for (size_t i = 0; i < w.candidates.size(); ++i) {
        if (enough(i)) continue;
        const double seconds = gpu_.seconds(w.candidates[i].launch);
        used[i] += seconds;
        if (round >= 0) times[i].push_back(seconds);
      }
    const double baseline = median(times[0]);
    for (size_t i = 0; i < w.candidates.size(); ++i) report(w, w.candidates[i], times[i], baseline);
  }

  void report(const Workload& w, const Candidate& c, const std::vector<double>& times, double baseline) {
    const double middle = median(times);
    const MedianInterval interval = median_interval(times);
    const double peak = c.math == Math::f32 ? roof_.ffma : c.math == Math::tf32 ? roof_.tf32 : roof_.f16;
    const double by_flops = c.flops / peak, by_bytes = c.bytes / roof_.copy_bytes;
    print({{"op", w.op},
           {"pass", w.pass},
           {"tag", w.tag},
           {"problem", w.problem},
           {"rung", c.rung},
           {"math", name_of(c.math)},
           {"device", gpu_.device().name()},
           {"median_ms", middle * 1e3},
           {"low_ms", interval.low * 1e3},
           {"high_ms", interval.high * 1e3},
           {"coverage", interval.coverage},
           {"repetitions", times.size()},
           {"tflops", c.flops / middle / 1e12},
           {"gbs", c.bytes / middle / 1e9},
           {"bound", by_flops > by_bytes ? "arithmetic" : "memory"},
           {"roof_percent", 100 * std::max(by_flops, by_bytes) / middle},
           {"baseline", w.candidates.front().rung},
           {"times_as_fast", baseline / middle}});
  }

  static void print(const Json& record) {
    fmt::print("{}\n", record.dump());
    std::fflush(stdout);  // what was measured stays, should a later one hang
  }

  Options options_;
  Gpu gpu_;
  Roof roof_;
};

}  // namespace
}  // namespace gabor::bench

int main(int argc, char** argv) {
  gabor::bench::Options options;
  CLI::App app("times gabor's kernels on a GPU; JSON lines on stdout");
  app.add_option("--problems", options.problems,
                 "list of convolutions, as tests/problems/conv2d.txt; several may be given");
  app.add_option("--tags", options.tags, "only problems with these tags")->delimiter(',');
  app.add_option("--ops", options.ops, "only these")
      ->delimiter(',')
      ->check(CLI::IsMember(
          {"conv2d", "gemm", "pool2d", "softmax_xent", "first_block", "batchnorm", "optimizer"}));
  app.add_option("--seconds", options.seconds, "of GPU time for one kernel");
  app.add_option("--most", options.most, "repetitions")->check(CLI::Range(1, 1000));
  app.add_flag("--device-only", options.device_only, "say what the GPU is, measure nothing");
  CLI11_PARSE(app, argc, argv);
  try {
    gabor::bench::KernelBench bench(options);
    options.device_only ? bench.describe_device() : bench.run();
  } catch (const gabor::Error& error) {
    fmt::print(stderr, "kernel_bench: {}\n", error.what());
    return int(error.code());
  } catch (const gabor::simt::Error& error) {
    fmt::print(stderr, "kernel_bench: {}\n", error.what());
    return int(gabor::ErrorCode::device);
  }
}
