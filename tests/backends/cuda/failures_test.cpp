// What a run on the cuda backend takes of the GPU's memory, and what it does where the GPU fails it: memory runs out, or the
// device is lost. Any call of the fake CUDA runtime can fail.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "backends/cuda/calls.h"
#include "cli/plan_output.h"
#include "core/error.h"
#include "core/text.h"
#include "temp_folder.h"
#include "train/training_memory.h"

namespace gabor {
namespace {

using cuda_calls::config;
using cuda_calls::Outcome;
using cuda_calls::train;
using testing::fake_cuda;

class CudaFailures : public cuda_calls::CudaCalls {};

TEST_F(CudaFailures, HoldTheMemoryThatTheBackendSays) {
  const auto backend = make_cuda_backend();
  size_t held = 0;
  for (const auto& [data, bytes] : fake_cuda().memory) held += bytes;
  EXPECT_GT(held, 0u);
  EXPECT_EQ(backend->fixed_bytes(), held);
  const Library library({backend});
  EXPECT_EQ(library.fixed_bytes(), held);  // its variants hold no more

  PlanOptions options;
  options.batch = 8, options.input = {12, 12, 1}, options.classes = 2;
  const Graph graph = parse_model(testing::kBarsNet, "net");
  const Plan plan = compile(graph, library, options);
  PlannedRun run;
  run.plan = &plan, run.library = &library, run.batch = 8;
  run.memory = training_memory(graph, library, options, 8, 2);
  EXPECT_NE(plan_text(run).find(human_bytes(double(held)) + " that the backends hold"), std::string::npos);
  EXPECT_EQ(plan_json(run).at("run").at("backends"), held);
}

// On a GPU with 1 % more memory than the plan asks for a run trains, on one with 1 % less it does not. What is not counted is
// the optimizer's table of parameters.
TEST_F(CudaFailures, TakeTheMemoryThatWasPredicted) {
  PlanOptions options;
  options.batch = 8, options.input = {12, 12, 1}, options.classes = 2;
  for (const bool resident : {false, true}) {
    testing::reset_fake_cuda();
    constexpr int kPictures = 30, kTrained = 24;
    const double needed =
        training_memory(parse_model(testing::kBarsNet, "net"), Library({make_cuda_backend()}), options, 8, 2,
                        resident ? kTrained : 0)
            .limited(DeviceKind::cuda);
    const auto trains_within = [&](double bytes) {
      testing::reset_fake_cuda();
      fake_cuda().memory_bytes = size_t(bytes);
      const Library library({make_cuda_backend()});
      TrainConfig c = config();
      c.resident = resident;
      try {
        return train(library, testing::kBarsNet, kPictures, c).steps.losses.size() > 0;
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::memory) << e.what();
        return false;
      }
    };
    EXPECT_TRUE(trains_within(1.01 * needed)) << resident;
    EXPECT_FALSE(trains_within(0.99 * needed)) << resident;
  }
}

// A GPU that is lost at a call, each in turn or every so many: one line, exit code 7, nothing is left over, and the last
// checkpoint is whole; on a sound GPU, the run goes on from it to the bits of one that was never stopped.
void lose_the_gpu_at_calls(bool resident, int every) {
  const testing::TempFolder whole_folder;
  const Outcome whole = train(whole_folder.path(), nullptr, resident);
  const std::vector<std::string> calls = fake_cuda().calls;
  const std::set<std::string> cannot_say{"cudaFree",         "cudaFreeHost",         "cudaStreamDestroy",
                                         "cudaEventDestroy", "cudaGraphExecDestroy", "cudaStreamSynchronize"};
  int thrown = 0, resumed = 0;
  for (int i = 0; i < int(calls.size()); i += every) {
    testing::reset_fake_cuda();
    fake_cuda().fail_at = i + 1;
    const testing::TempFolder folder;
    try {
      train(folder.path(), nullptr, resident);
      EXPECT_TRUE(cannot_say.contains(calls[size_t(i)])) << calls[size_t(i)];  // of destructors, at the end
    } catch (const Error& e) {
      thrown++;
      EXPECT_EQ(e.code(), ErrorCode::device) << e.what();
      EXPECT_NE(std::string(e.what()).find("a fake error"), std::string::npos) << e.what();
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    }
    EXPECT_TRUE(fake_cuda().clean()) << "call " << i << ", " << calls[size_t(i)];
    testing::reset_fake_cuda();
    const std::string last = folder.path() + "/last.safetensors";
    if (!std::filesystem::exists(last)) continue;
    const Checkpoint checkpoint(last);
    if (checkpoint.info().progress.epoch == 2) continue;  // it was the end of the run already
    EXPECT_EQ(train(folder.path(), &checkpoint, resident).weights, whole.weights) << "call " << i;
    resumed++;
  }
  std::cout << calls.size() << " calls; " << thrown << " of them failed, " << resumed << " runs resumed\n";
  EXPECT_GT(resumed, 10);
}

TEST_F(CudaFailures, LosesTheGpuAtEachOfThem) { lose_the_gpu_at_calls(false, 1); }
// Most calls are those of a streaming run: every third will do.
TEST_F(CudaFailures, LosesTheGpuWithResidentPictures) { lose_the_gpu_at_calls(true, 3); }

// As when another program takes the memory: exit code 4, with what is free and what to do.
void run_out_of_memory_at_each_allocation(bool resident) {
  train("", nullptr, resident);
  const std::vector<std::string> calls = fake_cuda().calls;
  for (int i = 0; i < int(calls.size()); i++) {
    if (calls[size_t(i)] != "cudaMalloc" && calls[size_t(i)] != "cudaHostAlloc") continue;
    testing::reset_fake_cuda();
    fake_cuda().fail_at = i + 1;
    fake_cuda().failure = cudaErrorMemoryAllocation;
    fake_cuda().lasting = false;
    try {
      train("", nullptr, resident);
      ADD_FAILURE() << "call " << i << " did not matter";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::memory) << e.what();
      EXPECT_NE(std::string(e.what()).find("use a smaller --batch or --size"), std::string::npos) << e.what();
    }
    EXPECT_TRUE(fake_cuda().clean()) << "call " << i;
  }
}

TEST_F(CudaFailures, RunsOutOfMemoryAtEachAllocation) { run_out_of_memory_at_each_allocation(false); }
TEST_F(CudaFailures, RunsOutOfMemoryAtEachAllocationWithResidentPictures) {
  run_out_of_memory_at_each_allocation(true);
}

}  // namespace
}  // namespace gabor
