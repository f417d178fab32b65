// Signals: the first saves and leaves, the second leaves at once; a resumed run equals an unbroken one.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "cli/run_command.h"
#include "cli/run_files.h"
#include "cli/tiny_data.h"
#include "report/metrics_csv.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> train_args(const Workspace& w, const std::string& out, const std::string& epochs) {
  return {"train",  w.path("photos"), "--size", "16x16",  "--epochs", epochs,  "--batch",   "8",
          "--flip", "--optimizer",    "adam",   "--seed", "5",        "--out", w.path(out), "--threads",
          "2"};
}

class Stop : public ::testing::Test {
 protected:
  Stop() { write_class_folders(w.path("photos"), {"cat", "dog"}, 20, 24); }
  // Trains for very long, and sends a signal after the first epoch.
  CommandResult stopped_by(int number) {
    return run_gabor(train_args(w, "stopped", "100000"), {w.path(), [&](pid_t pid) {
                                                            await_file(w.path("stopped/last.safetensors"));
                                                            ::kill(pid, number);
                                                          }});
  }
  Workspace w;
};

TEST_F(Stop, CtrlCSavesAndLeavesWith130) {
  const CommandResult r = stopped_by(SIGINT);
  EXPECT_EQ(r.code, 130) << r.err;
  EXPECT_NE(r.out.find("gabor train --resume " + w.path("stopped")), std::string::npos) << r.out;
  EXPECT_TRUE(fs::exists(w.path("stopped/last.safetensors")));
  EXPECT_TRUE(fs::exists(w.path("stopped/report.html")));
}

TEST_F(Stop, TerminationSavesAndLeavesWith143) { EXPECT_EQ(stopped_by(SIGTERM).code, 143); }

TEST_F(Stop, ResumedRunEqualsTheUnbrokenOne) {
  ASSERT_EQ(stopped_by(SIGINT).code, 130);
  const std::string metrics = read_text(w.path("stopped/metrics.csv"));
  const auto rows = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n') - 1; };
  const std::string epochs = std::to_string(rows(metrics) + 2);
  const auto resumed = run_gabor({"train", "--resume", w.path("stopped"), "--epochs", epochs}, {w.path()});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  const auto unbroken = run_gabor(train_args(w, "unbroken", epochs), {w.path()});
  ASSERT_EQ(unbroken.code, 0) << unbroken.err;
  expect_same_tensors(w.path("stopped/last.safetensors"), w.path("unbroken/last.safetensors"));
  EXPECT_EQ(rows(read_text(w.path("stopped/metrics.csv"))), rows(metrics) + 2)
      << "an epoch is missing or there twice";
}

TEST_F(Stop, KilledRunResumesToo) {
  const CommandResult killed = stopped_by(SIGKILL);
  ASSERT_EQ(killed.code, 128 + SIGKILL);
  const std::string text = read_text(w.path("stopped/metrics.csv"));
  const auto rows = std::count(text.begin(), text.end(), '\n');  // epochs, and one more for the header
  const std::string epochs = std::to_string(rows + 1);
  ASSERT_EQ(run_gabor({"train", "--resume", w.path("stopped"), "--epochs", epochs}, {w.path()}).code, 0);
  ASSERT_EQ(run_gabor(train_args(w, "unbroken", epochs), {w.path()}).code, 0);
  expect_same_tensors(w.path("stopped/last.safetensors"), w.path("unbroken/last.safetensors"));
  int last = 0;
  for (const EpochRecord& e : read_metrics(w.path("stopped"))) {
    EXPECT_GT(e.epoch, last) << "an epoch is there twice";
    last = e.epoch;
  }
  EXPECT_EQ(std::to_string(last), epochs);
}

TEST_F(Stop, SecondSignalLeavesAtOnce) {
  const CommandResult r =
      run_gabor(train_args(w, "twice", "100000"), {w.path(), [&](pid_t pid) {
                                                     await_file(w.path("twice/last.safetensors"));
                                                     // Back to back: the second arrives
                                                     // while the first is being acted
                                                     // upon, or it finds the process
                                                     // gone.
                                                     ::kill(pid, SIGTERM);
                                                     ::kill(pid, SIGINT);
                                                   }});
  EXPECT_TRUE(r.code == 130 || r.code == 143) << r.code;
}

}  // namespace
}  // namespace gabor::testing
