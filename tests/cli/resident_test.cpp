// `gabor train --resident` through the real executable.
#include <gtest/gtest.h>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

class ResidentOption : public ::testing::Test {
 protected:
  ResidentOption() { write_class_folders(w.path("photos"), {"cat", "dog"}, 24); }
  CommandResult gabor(const std::vector<std::string>& args) const { return run_gabor(args, {w.path()}); }
  CommandResult train(const std::string& out, const std::vector<std::string>& more) const {
    std::vector<std::string> args = {"train",     "photos",    "--size",           "12x12", "--batch",
                                     "8",         "--augment", "flip,translate:2", "--out", out,
                                     "--backend", "cpu",       "--epochs",         "3"};
    args.insert(args.end(), more.begin(), more.end());
    return gabor(args);
  }
  std::vector<std::vector<float>> weights(const std::string& run) const {
    std::vector<std::vector<float>> out;
    for (const SafeTensor& t : read_safetensors(w.path(run + "/last.safetensors")).tensors)
      out.push_back(t.data);
    return out;
  }
  Workspace w;
};

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << " is not in:\n" << text;
}

TEST_F(ResidentOption, IsToldKeptAndGivesTheSameWeights) {
  const CommandResult streaming = train("streaming", {});
  ASSERT_EQ(streaming.code, 0) << streaming.err;
  expect_part(streaming.out, "pictures streamed each epoch: the CPU reads batches in place");
  expect_part(read_text(w.path("streaming/log.jsonl")), "\"resident\":false");
  const CommandResult resident = train("resident", {"--resident", "on"});
  ASSERT_EQ(resident.code, 0) << resident.err;
  expect_part(resident.out, "pictures stay on the device after the first epoch (");
  expect_part(read_text(w.path("resident/config.toml")), "resident = \"on\"  # option\n");
  expect_part(read_text(w.path("resident/log.jsonl")), "\"resident\":true");
  EXPECT_EQ(weights("resident"), weights("streaming"));
}

TEST_F(ResidentOption, MayChangeOnResuming) {
  ASSERT_EQ(train("whole", {}).code, 0);
  ASSERT_EQ(train("parts", {"--epochs", "1"}).code, 0);
  const CommandResult on = gabor({"train", "--resume", "parts", "--epochs", "3", "--resident", "on"});
  ASSERT_EQ(on.code, 0) << on.err;
  EXPECT_EQ(weights("parts"), weights("whole"));
}

}  // namespace
}  // namespace gabor::testing
