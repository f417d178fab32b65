// Training on original photos while the disk does what disks do: odd files, files that vanish, no room left.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/run_command.h"
#include "cli/run_files.h"
#include "cli/tiny_data.h"
#include "report/metrics_csv.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in\n" << text;
}

class Hostile : public ::testing::Test {
 protected:
  Hostile() { write_class_folders(w.path("photos"), {"cat", "dog"}, 20, 24); }

  // Reads the photos anew in each epoch.
  CommandResult train(const std::string& out, int epochs, std::function<void(pid_t)> meanwhile = {},
                      uint64_t largest_file = 0, const std::string& cache = "none") {
    return run_gabor({"train", "photos", "--size", "16x16", "--epochs", std::to_string(epochs), "--batch",
                      "8", "--threads", "2", "--cache", cache, "--out", out},
                     {.folder = w.path(), .meanwhile = std::move(meanwhile), .largest_file = largest_file});
  }
  std::string last(const std::string& run) { return w.path(run + "/last.safetensors"); }

  // The run was broken off between two epochs: what it saved is whole, and goes on as if nothing had been.
  void expect_resumes(const std::string& run) {
    const int epochs = int(read_metrics(w.path(run)).size()) + 1;
    const auto resumed =
        run_gabor({"train", "--resume", run, "--epochs", std::to_string(epochs)}, {w.path()});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    ASSERT_EQ(train("unbroken", epochs).code, 0);
    expect_same_tensors(last(run), last("unbroken"));
  }
  Workspace w;
};

constexpr int kVeryLong = 100000;  // epochs

TEST_F(Hostile, OddFilesAreLeftOutAndCounted) {
  ASSERT_EQ(train("clean", 2).code, 0);
  ::mkfifo(w.path("photos/cat/pipe.bmp").c_str(), 0600);
  fs::create_directory_symlink(w.path("photos"), w.path("photos/cat/loop"));
  fs::create_directory_symlink("..", w.path("photos/dog/up"));
  fs::create_symlink("itself.bmp", w.path("photos/dog/itself.bmp"));
  fs::create_symlink("nowhere", w.path("photos/dog/dangling.bmp"));
  const CommandResult r = train("odd", 2);
  ASSERT_EQ(r.code, 0) << r.err;
  expect_part(r.out, "2 links that are broken or lead outside the folder were left out");
  expect_part(r.out, "1 FIFOs, sockets or devices were left out");
  expect_same_tensors(last("clean"), last("odd"));
}

TEST_F(Hostile, AFileThatMayNotBeReadIsNamedAndSkipped) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  ::chmod(w.path("photos/cat/07.bmp").c_str(), 0);
  const CommandResult r = train("run", 1);
  EXPECT_EQ(r.code, 0) << r.err;
  expect_part(r.err, "gabor: warning: skipped a bad file: " + w.path("photos/cat/07.bmp") +
                         ": cannot be opened: Permission denied");
}

TEST_F(Hostile, FilesThatVanishAreNamedAndTheRunGoesOn) {
  const CommandResult r = train("run", kVeryLong, [&](pid_t pid) {
    await_file(last("run"));
    for (const char* name : {"cat/03.bmp", "dog/11.bmp"}) fs::remove(w.path(std::string("photos/") + name));
    await_text(w.path("run/log.jsonl"), "\"bad_files\":2", 3);  // three epochs without them
    ::kill(pid, SIGINT);
  });
  EXPECT_EQ(r.code, 130) << r.err;
  for (const char* name : {"cat/03.bmp", "dog/11.bmp"})
    expect_part(r.err, "gabor: warning: skipped a bad file: " + w.path(std::string("photos/") + name) +
                           ": cannot be opened: No such file or directory");
  expect_part(r.err, "  2 bad files");
  EXPECT_EQ(run_gabor({"eval", "run", "photos"}, {w.path()}).code, 0);
}

TEST_F(Hostile, AFolderThatVanishesEndsTheRunAndItResumesOnceItIsBack) {
  const CommandResult r = train("run", kVeryLong, [&](pid_t) {
    await_file(last("run"));
    fs::rename(w.path("photos/dog"), w.path("elsewhere"));
  });
  EXPECT_EQ(r.code, 3) << r.err;
  expect_part(r.err, " files are bad, over the limit of 1 %; the first: " + w.path("photos/dog/"));
  expect_part(r.err, ".bmp: cannot be opened: No such file or directory\n");
  fs::rename(w.path("elsewhere"), w.path("photos/dog"));
  expect_resumes("run");
}

// A limit on the size of files stands for the full disk: it needs no mount, and can be set in the middle of a run.
TEST_F(Hostile, ADiskThatFillsUpEndsTheRunWithThePreviousCheckpoint) {
  const CommandResult r = train("run", kVeryLong, [&](pid_t pid) {
    await_file(last("run"));
    const rlimit least{fs::file_size(w.path("run/best.safetensors")) - 1, RLIM_INFINITY};
    ASSERT_EQ(::prlimit(pid, RLIMIT_FSIZE, &least, nullptr), 0);
  });
  EXPECT_EQ(r.code, 6) << r.err;
  expect_part(r.err, ".safetensors: cannot write it: File too large (");
  expect_part(r.err, " free); the old file, if any, is kept\n");
  for (const auto& entry : fs::directory_iterator(w.path("run")))
    EXPECT_FALSE(entry.path().string().ends_with("-tmp")) << entry.path();
  EXPECT_EQ(run_gabor({"eval", "run", "photos"}, {w.path()}).code, 0) << "the best checkpoint is damaged";
  expect_resumes("run");
}

TEST_F(Hostile, ACacheThatDoesNotFitIsDoneWithout) {
  write_class_folders(w.path("photos"), {"cat", "dog"}, 60, 24);  // a cache of 100 KiB; all else is below 64
  const CommandResult r = train("run", 2, {}, 64 << 10, "caches");
  EXPECT_EQ(r.code, 0) << r.err;
  expect_part(r.out, "cannot be reserved: File too large");
  EXPECT_TRUE(fs::is_empty(w.path("caches")));
}

}  // namespace
}  // namespace gabor::testing
