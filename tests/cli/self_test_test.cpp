// A checkpoint's self-test as a user meets it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "backends/all.h"
#include "cli/run_command.h"
#include "cli/run_files.h"
#include "cli/tiny_data.h"
#include "core/base64.h"
#include "train/checkpoint.h"

namespace gabor::testing {
namespace {

class SelfTestOfARun : public ::testing::Test {
 protected:
  SelfTestOfARun() { write_class_folders(w.path("photos"), {"cat", "dog"}, 16); }
  CommandResult gabor(const std::vector<std::string>& args) { return run_gabor(args, {w.path()}); }
  void train(const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"train",   "photos", "--size",    "16x16", "--epochs", "2",
                                     "--batch", "8",      "--backend", "cpu",   "--out",    "run"};
    args.insert(args.end(), more.begin(), more.end());
    const CommandResult r = gabor(args);
    ASSERT_EQ(r.code, 0) << r.err;
  }
  // All ways to use the run, each without and with --no-verify.
  void expect_refused(const std::string& part) {
    for (std::vector<std::string> args :
         {std::vector<std::string>{"eval", "run", "photos"},
          {"predict", "run", "photos/cat/00.bmp"},
          {"train", "--resume", "run", "--epochs", std::to_string(++epochs)}}) {
      const CommandResult refused = gabor(args);
      EXPECT_EQ(refused.code, 6) << refused.err;
      EXPECT_NE(refused.err.find(part), std::string::npos) << refused.err;
      EXPECT_TRUE(refused.err.ends_with("; --no-verify goes on all the same\n")) << refused.err;
      args.push_back("--no-verify");
      const CommandResult forced = gabor(args);
      EXPECT_EQ(forced.code, 0) << forced.err;
    }
  }
  Workspace w;
  int epochs = 2;
};

TEST_F(SelfTestOfARun, IsPassedSilentlyOnEveryBackend) {
  train();
  for (const std::string& backend : backend_names()) {
    const CommandResult r =
        gabor({"predict", "run", "photos/cat/00.bmp", "photos/dog/01.bmp", "--backend", backend});
    if (r.code == 7) continue;  // no such device here
    EXPECT_EQ(r.code, 0) << backend << ": " << r.err;
    EXPECT_EQ(r.err, "") << backend;
  }
  const CommandResult r = gabor({"eval", "run", "photos", "--backend", "reference"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.err, "");
}

TEST_F(SelfTestOfARun, IsThereWithoutValidationAndForEveryLoss) {
  train({"--val-split", "0", "--loss", "mse", "--channels", "1", "--scaling", "unit", "--model", "mlp"});
  for (const char* file : {"run/best.safetensors", "run/last.safetensors"})
    EXPECT_TRUE(Checkpoint(w.path(file)).info().self_test) << file;
  const CommandResult r = gabor({"eval", "run", "photos"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.err, "");
}

TEST_F(SelfTestOfARun, RefusesOtherLogits) {
  train();
  for (const char* name : {"run/best.safetensors", "run/last.safetensors"}) {
    SafeTensors file = read_safetensors(w.path(name));
    std::string& text = file.metadata.at("gabor.self_test");
    nlohmann::json j = nlohmann::json::parse(text);
    nlohmann::json& logit = j.at("pictures").at(0).at("logits").at(0);
    logit = logit.get<double>() + 0.01;
    text = j.dump();
    write_atomically(w.path(name), encode_safetensors(file));
  }
  expect_refused(": the logit of 'cat' for its test picture 1 is ");
}

TEST_F(SelfTestOfARun, RefusesOtherPixels) {
  train();
  const SelfTest test = Checkpoint(w.path("run/best.safetensors")).info().self_test.value();
  for (const char* file : {"run/best.safetensors", "run/last.safetensors"})
    edit_metadata(w.path(file), "gabor.self_test", to_base64(test.pictures[0].file),
                  to_base64(test.pictures[2].file));
  expect_refused("pictures are decoded or resized otherwise here (OpenCV ");
}

TEST_F(SelfTestOfARun, IsNotAskedOfOlderCheckpoints) {
  train();
  SafeTensors file = read_safetensors(w.path("run/best.safetensors"));
  file.metadata.erase("gabor.self_test");
  write_atomically(w.path("run/best.safetensors"), encode_safetensors(file));
  const CommandResult r = gabor({"eval", "run", "photos"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.err,
            "gabor: run/best.safetensors has no self-test, as saved by an older gabor: nothing tells whether "
            "pictures are prepared as in its training\n");
  EXPECT_EQ(gabor({"eval", "run", "photos", "--no-verify"}).err, "");
}

}  // namespace
}  // namespace gabor::testing
