// What the cuda backend asks of the CUDA runtime: its kernels run on the CPU, all else goes to a fake runtime, where calls
// are counted and any of them can fail.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "backends/cuda/backend.h"
#include "core/error.h"
#include "device/fake_cuda_runtime.h"
#include "kernels/simt/host/runtime.h"
#include "model/nets.h"
#include "temp_folder.h"
#include "train/sets.h"
#include "train/trainer.h"

// The linker sends calls of simt::host::run_grid here: a kernel comes after what is queued before it.
#define RUN_GRID(prefix) prefix##_ZN5gabor4simt4host8run_gridERKNS1_6LaunchEPFvPvES5_
extern "C" void RUN_GRID(__real_)(const gabor::simt::host::Launch&, void (*)(void*), void*);
extern "C" void RUN_GRID(__wrap_)(const gabor::simt::host::Launch& launch, void (*body)(void*),
                                  void* closure) {
  gabor::testing::fake_cuda_flush();
  gabor::testing::fake_cuda().launches++;
  RUN_GRID(__real_)(launch, body, closure);
}
#undef RUN_GRID

namespace gabor {
namespace {

using testing::fake_cuda;

class CudaCalls : public ::testing::Test {
 protected:
  void SetUp() override { testing::reset_fake_cuda(); }
  void TearDown() override { EXPECT_TRUE(fake_cuda().clean()) << "memory, streams or events are left"; }
};

// Notes how many calls had been made when each step ended.
class Steps final : public Observer {
 public:
  void on_step(const StepRecord& r) override {
    if (!r.validating) calls_after.push_back(int(fake_cuda().calls.size()));
  }
  void on_epoch(const EpochRecord&) override {}
  void on_warning(const std::string&) override {}
  std::vector<int> calls_after;
};

struct Outcome {
  std::vector<float> weights;
  Steps steps;
};

Outcome train(const std::string& out, const Checkpoint* resume = nullptr) {
  TrainConfig c;
  c.epochs = 2, c.batch = 8;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.loader_threads = 1;
  c.out = out;
  Outcome outcome;
  const Library library({make_cuda_backend()});
  Trainer trainer(parse_model(testing::kBarsNet, "bars"), split_in_memory(testing::bars(30), 0.2, 1), c,
                  library, outcome.steps, resume);
  trainer.run(std::atomic<bool>(false));
  const TensorView values = trainer.parameters().values();
  outcome.weights.resize(size_t(values.count()));
  library.device().copy_from(outcome.weights.data(), values.data, values.bytes());
  return outcome;
}

TEST_F(CudaCalls, AStepAllocatesNothing) {
  const testing::TempFolder folder;
  const Steps steps = train(folder.path()).steps;
  ASSERT_EQ(steps.calls_after.size(), 6u);  // 3 an epoch
  const auto& calls = fake_cuda().calls;
  for (const auto& [first, last] : {std::pair{0, 2}, {3, 5}})
    for (int i = steps.calls_after[size_t(first)]; i < steps.calls_after[size_t(last)]; i++)
      EXPECT_TRUE(calls[size_t(i)] == "cudaSetDevice" || calls[size_t(i)] == "cudaMemcpyAsync" ||
                  calls[size_t(i)] == "cudaStreamSynchronize")
          << calls[size_t(i)];
}

// A GPU that is lost at any call: one line, exit code 7, nothing is left over, and the last checkpoint is whole; on a sound
// GPU, the run goes on from it to the bits of one that was never stopped.
TEST_F(CudaCalls, LosesTheGpuAtEachOfThem) {
  const testing::TempFolder whole_folder;
  const Outcome whole = train(whole_folder.path());
  const std::vector<std::string> calls = fake_cuda().calls;
  int thrown = 0, resumed = 0;
  for (int i = 0; i < int(calls.size()); i++) {
    testing::reset_fake_cuda();
    fake_cuda().fail_at = i + 1;
    const testing::TempFolder folder;
    try {
      train(folder.path());
      EXPECT_TRUE(calls[size_t(i)] == "cudaFree" || calls[size_t(i)] == "cudaStreamDestroy")
          << calls[size_t(i)];
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
    EXPECT_EQ(train(folder.path(), &checkpoint).weights, whole.weights) << "call " << i;
    resumed++;
  }
  std::cout << calls.size() << " calls; " << thrown << " of them failed, " << resumed << " runs resumed\n";
  EXPECT_GT(resumed, 10);
}

// As when another program takes the memory: exit code 4, with what is free and what to do.
TEST_F(CudaCalls, RunsOutOfMemoryAtEachAllocation) {
  const testing::TempFolder folder;
  train(folder.path());
  const std::vector<std::string> calls = fake_cuda().calls;
  for (int i = 0; i < int(calls.size()); i++) {
    if (calls[size_t(i)] != "cudaMalloc") continue;
    testing::reset_fake_cuda();
    fake_cuda().fail_at = i + 1;
    fake_cuda().failure = cudaErrorMemoryAllocation;
    fake_cuda().lasting = false;
    const testing::TempFolder other;
    try {
      train(other.path());
      ADD_FAILURE() << "call " << i << " did not matter";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::memory) << e.what();
      EXPECT_NE(std::string(e.what()).find("use a smaller --batch or --size"), std::string::npos) << e.what();
    }
    EXPECT_TRUE(fake_cuda().clean()) << "call " << i;
  }
}

}  // namespace
}  // namespace gabor
