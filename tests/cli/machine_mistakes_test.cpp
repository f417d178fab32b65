// Mistakes that need the machine in a certain state.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/run_command.h"
#include "cli/run_files.h"
#include "cli/tiny_data.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;

TEST(MistakesOfTheMachine, UnreadablePicture) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  Workspace w;
  write_text(w.path("secret.bmp"), noisy_bmp(8, 8, 1, 2, 3, 1));
  write_class_folders(w.path("photos"), {"cat", "dog"}, 8);
  ASSERT_EQ(run_gabor({"train", "photos", "--size", "8x8", "--epochs", "1", "--out", "run"}, {w.path()}).code,
            0);
  ::chmod(w.path("secret.bmp").c_str(), 0);
  const auto r = run_gabor({"predict", "run", "secret.bmp"}, {w.path()});
  EXPECT_EQ(r.code, 3);
  EXPECT_NE(r.err.find("secret.bmp"), std::string::npos) << r.err;
}

TEST(MistakesOfTheMachine, UnwritableFolder) {
  if (::geteuid() == 0) GTEST_SKIP() << "root writes everywhere";
  Workspace w;
  write_class_folders(w.path("photos"), {"cat", "dog"}, 8);
  fs::create_directories(w.path("locked"));
  ::chmod(w.path("locked").c_str(), 0500);
  const auto r = run_gabor({"train", "photos", "--size", "8x8", "--out", "locked/run"}, {w.path()});
  EXPECT_EQ(r.code, 6);
  EXPECT_EQ(r.err,
            "gabor: error: locked/run: the run folder cannot be made: Permission denied; choose another with "
            "--out\n");
  ::chmod(w.path("locked").c_str(), 0700);
}

TEST(MistakesOfTheMachine, TooLittleMemory) {
  Workspace w;
  write_class_folders(w.path("photos"), {"cat", "dog"}, 8);
  const auto r = run_gabor({"train", "photos", "--size", "1000x1000", "--batch", "1000000"}, {w.path()});
  EXPECT_EQ(r.code, 4);
  EXPECT_EQ(r.err.find("gabor: error: --batch: training needs "), 0u) << r.err;
  EXPECT_NE(r.err.find("; use a smaller --batch, --micro-batch or --size\n"), std::string::npos) << r.err;
  EXPECT_FALSE(fs::exists(w.path("runs")));
}

TEST(MistakesOfTheMachine, FullDisk) {
  Workspace w;
  write_class_folders(w.path("photos"), {"cat", "dog"}, 8);
  fs::create_directories(w.path("small"));
  const std::string mount = "mount -t tmpfs -o size=64k none " + w.path("small") + " 2>/dev/null";
  if (::geteuid() != 0 || std::system(mount.c_str()) != 0)
    GTEST_SKIP() << "cannot mount a small file system here";
  const auto r = run_gabor({"train", "photos", "--size", "32x32", "--out", w.path("small/run")}, {w.path()});
  EXPECT_EQ(r.code, 6);
  EXPECT_NE(r.err.find("No space left on device"), std::string::npos) << r.err;
  ASSERT_EQ(std::system(("umount " + w.path("small")).c_str()), 0);
}

TEST(MistakesOfTheMachine, OutputThatCannotBeWritten) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const std::string command = std::string(GABOR_BINARY) + " summary article > /dev/full 2>/dev/null";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace gabor::testing
