// train --backend auto: what was measured once is kept and used again, and a run goes on as it began.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Average pooling is in no fusion: the convolution runs alone.
constexpr const char* kUnfused =
    "[[layer]]\ntype = \"conv2d\"\nname = \"c\"\nfilters = 4\nkernel = 3\nactivation = \"relu\"\n"
    "[[layer]]\ntype = \"pool2d\"\nkind = \"average\"\n"
    "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = \"classes\"\nactivation = "
    "\"softmax\"\n";

class TunedTraining : public ::testing::Test {
 protected:
  TunedTraining() {
    ::setenv("CUDA_VISIBLE_DEVICES", "", 1);  // of the command: the kernels named below are the CPU's
    write_class_folders(w.path("photos"), {"cat", "dog"}, 20, 16);
    write_text(w.path("net.toml"), kUnfused);
  }
  ~TunedTraining() override { ::unsetenv("CUDA_VISIBLE_DEVICES"); }
  CommandResult train(const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> args = {"train",   "photos", "--model",   "net.toml", "--size", "16x16",
                                     "--batch", "8",      "--threads", "1",        "--out",  out};
    args.insert(args.end(), more.begin(), more.end());
    return run_gabor(args, {w.path()});
  }
  // As if all measurements had been won by the kernel of that name.
  void let_win(const std::string& backend) {
    std::istringstream text(read_text(file));
    std::string out;
    for (std::string line; std::getline(text, line);) {
      Json j = Json::parse(line);
      j["measured_N"] = 8, j["winner"] = backend;
      for (Json& c : j["candidates"]) c["median"] = c["backend"] == backend ? 0.25 : 0.5;
      out += j.dump() + "\n";
    }
    write_text(file, out);
  }
  auto weights(const std::string& run) {
    std::map<std::string, std::vector<float>> all;
    for (const SafeTensor& t : read_safetensors(w.path(run + "/last.safetensors")).tensors)
      all[t.name] = t.data;
    return all;
  }
  Workspace w;
  std::string file = w.path(".cache/gabor/tuning.jsonl");
};

TEST_F(TunedTraining, KeepsWhatItMeasuresAndSaysWhatItChose) {
  const CommandResult first = train("first", {"--epochs", "1"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.err.find("gabor: measured the kernels of 2 passes; kept in " + file), std::string::npos)
      << first.err;
  let_win("cpu/onednn");
  const std::string kept = read_text(file);
  const CommandResult second = train("second", {"--epochs", "1"});
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(second.err.find("measured"), std::string::npos) << second.err;
  EXPECT_EQ(read_text(file), kept);
  for (const char* line : {"c fprop: cpu/onednn, 2.00x faster than cpu (direct)",
                           "c wgrad: cpu/onednn, 2.00x faster than cpu (direct)"}) {
    EXPECT_NE(second.out.find(line), std::string::npos) << second.out;
    EXPECT_NE(read_text(w.path("second/report.html")).find("2.00x faster than cpu (direct)"),
              std::string::npos);
  }
  const std::string config = read_text(w.path("second/config.toml"));
  EXPECT_NE(config.find(R"(choices = "{\"c fprop\":\"cpu/onednn\",\"c wgrad\":\"cpu/onednn\"}"  # measured)"),
            std::string::npos)
      << config;
}

TEST_F(TunedTraining, AResumedRunKeepsItsChoicesWhateverIsMeasuredSince) {
  ASSERT_EQ(train("seed", {"--epochs", "1"}).code, 0);
  let_win("cpu/onednn");
  ASSERT_EQ(train("whole", {"--epochs", "2"}).code, 0);
  ASSERT_EQ(train("part", {"--epochs", "1"}).code, 0);
  let_win("cpu");
  const CommandResult resumed = run_gabor({"train", "--resume", "part", "--epochs", "2"}, {w.path()});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("c wgrad: cpu/onednn, as when the run began"), std::string::npos) << resumed.out;
  EXPECT_EQ(weights("part"), weights("whole"));
  // And the kernels differ: a run of today has other bits.
  ASSERT_EQ(train("today", {"--epochs", "2"}).code, 0);
  EXPECT_NE(weights("today"), weights("whole"));
}

TEST_F(TunedTraining, OnlyAutoMeasuresAndOnlyWhereItCanKeepIt) {
  ASSERT_EQ(train("cpu", {"--epochs", "1", "--backend", "cpu"}).code, 0);
  ASSERT_EQ(
      run_gabor({"train", "photos", "--model", "net.toml", "--size", "16x16", "--dry-run"}, {w.path()}).code,
      0);
  EXPECT_FALSE(fs::exists(file));
  const CommandResult r = train("auto", {"--epochs", "1", "--tuning", "cpu"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("not measured, so the fixed order holds: " + w.path("cpu") + ": is not a file"),
            std::string::npos)
      << r.out;
  EXPECT_EQ(weights("auto"), weights("cpu"));
  ASSERT_EQ(train("other", {"--epochs", "1", "--tuning", "mine.jsonl"}).code, 0);
  EXPECT_TRUE(fs::exists(w.path("mine.jsonl")));
  EXPECT_FALSE(fs::exists(file));
}

}  // namespace
}  // namespace gabor::testing
