// --precision from end to end where no kernel has it: a CPU. What it does on a GPU: tests/backends/cuda.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

class Precision : public ::testing::Test {
 protected:
  Precision() { write_class_folders(w.path("photos"), {"cat", "dog"}, 12); }
  CommandResult train(const std::string& out, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"train",   "photos", "--size", "12x12", "--epochs",  "1",
                                     "--batch", "8",      "--out",  out,     "--backend", "cpu"};
    args.insert(args.end(), more.begin(), more.end());
    return run_gabor(args, {w.path()});
  }
  auto weights(const std::string& run) {
    std::vector<std::vector<float>> all;
    for (const SafeTensor& t : read_safetensors(w.path(run + "/last.safetensors")).tensors)
      all.push_back(t.data);
    return all;
  }
  Workspace w;
};

TEST_F(Precision, WithoutEffectIsToldAndKept) {
  ASSERT_EQ(train("exact").code, 0);
  for (const std::string math : {"tf32", "bf16", "fp16"}) {
    const std::string told = "fp32: " + math + " has no effect on CPU";
    const CommandResult r = train(math, {"--precision", math});
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_NE(r.out.find("math     " + told), std::string::npos) << r.out;
    EXPECT_EQ(weights(math), weights("exact"));
    const CommandResult json = train(math + "-json", {"--precision", math, "--json"});
    EXPECT_NE(json.err.find("gabor: " + told), std::string::npos) << json.err;

    const CommandResult resumed = run_gabor({"train", "--resume", math, "--epochs", "2"}, {w.path()});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_NE(resumed.out.find(told), std::string::npos) << resumed.out;
    const std::string config = read_text(w.path(math + "/config.toml"));
    EXPECT_NE(config.find("precision = \"" + math + "\"  # option"), std::string::npos) << config;
    EXPECT_NE(config.find(" --precision " + math), std::string::npos) << config;
  }
}

TEST_F(Precision, OfAPlan) {
  const std::vector<std::string> args = {"plan", "lenet5", "--backend", "cpu", "--precision", "tf32"};
  const CommandResult text = run_gabor(args, {w.path()});
  EXPECT_NE(text.out.find("\nPrecision: fp32: tf32 has no effect on CPU\n"), std::string::npos) << text.out;
  std::vector<std::string> as_json = args;
  as_json.push_back("--json");
  const auto j = nlohmann::json::parse(run_gabor(as_json, {w.path()}).out);
  // Three passes of a convolution and of each of three dense layers; the other convolution is in a fused first block.
  EXPECT_EQ(j.at("precision"),
            nlohmann::json({{"asked", "tf32"}, {"passes", 0}, {"of", 12}, {"storage", "f32"}}));
}

}  // namespace
}  // namespace gabor::testing
