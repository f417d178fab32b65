// Augmented training and `gabor augment` through the real executable.
#include <gtest/gtest.h>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

const std::string kAll = "crop,translate:2,flip,rand,color,erase,mixup,cutmix";

class Augment : public ::testing::Test {
 protected:
  Augment() { write_class_folders(w.path("photos"), {"cat", "dog"}, 24); }
  CommandResult gabor(const std::vector<std::string>& args) const { return run_gabor(args, {w.path()}); }
  CommandResult train(const std::string& out, const std::vector<std::string>& more) const {
    std::vector<std::string> args = {"train", "photos", "--size",    "12x12", "--batch",  "8",
                                     "--out", out,      "--backend", "cpu",   "--epochs", "3"};
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

TEST_F(Augment, WeightsAreTheSameForAnyThreadsFromTheCacheAndAfterAResume) {
  const CommandResult whole = train("whole", {"--augment", kAll, "--threads", "1", "--no-cache"});
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_NE(whole.out.find(
                "augment  crop:0.35-1,translate:2,flip,rand:2x9,color:0.2,erase:0.25,mixup:0.2,cutmix:1\n"),
            std::string::npos)
      << whole.out;
  ASSERT_EQ(train("cached", {"--augment", kAll, "--threads", "1", "--cache", "caches"}).code, 0);
  EXPECT_EQ(weights("cached"), weights("whole"));
  ASSERT_EQ(train("resumed", {"--augment", kAll, "--threads", "1", "--epochs", "1"}).code, 0);
  EXPECT_NE(weights("resumed"), weights("whole"));
  const CommandResult on = gabor({"train", "--resume", "resumed", "--epochs", "3"});
  ASSERT_EQ(on.code, 0) << on.err;
  EXPECT_EQ(weights("resumed"), weights("whole"));
  ASSERT_EQ(train("plain", {"--threads", "1"}).code, 0);
  EXPECT_NE(weights("plain"), weights("whole"));
}

TEST_F(Augment, OptionsAddUpAndAreKept) {
  ASSERT_EQ(train("run", {"--flip", "--augment", "color:0.1"}).code, 0);
  const std::string config = read_text(w.path("run/config.toml"));
  EXPECT_NE(config.find("augment = \"flip,color:0.1\"  # option\n"), std::string::npos) << config;
  EXPECT_NE(config.find("--augment flip,color:0.1"), std::string::npos) << "the command to repeat it";
}

TEST_F(Augment, SheetOfADataSetAndOfAPicture) {
  const CommandResult r = gabor(
      {"augment", "photos", "--augment", kAll, "--pictures", "3", "--epochs", "7", "--out", "sheet.png"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out,
            "written  sheet.png: "
            "crop:0.35-1,translate:2,flip,rand:2x9,color:0.2,erase:0.25,mixup:0.2,cutmix:1 of 3 pictures, "
            "each as it "
            "is and as 7 epochs would train on it\n");
  const std::string sheet = read_text(w.path("sheet.png"));
  EXPECT_TRUE(sheet.starts_with("\x89PNG"));
  ASSERT_EQ(gabor({"augment", "photos", "--augment", kAll, "--pictures", "3", "--epochs", "7", "--out",
                   "again.png"})
                .code,
            0);
  EXPECT_EQ(read_text(w.path("again.png")), sheet);
  ASSERT_EQ(gabor({"augment", "photos/cat/03.bmp", "--augment", "flip", "--out", "one.png"}).code, 0);
  EXPECT_TRUE(read_text(w.path("one.png")).starts_with("\x89PNG"));
}

}  // namespace
}  // namespace gabor::testing
