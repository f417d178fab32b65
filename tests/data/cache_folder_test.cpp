// Where caches lie, and what they may take of the disk.
#include "data/cache_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "data/fixture.h"
#include "data/picture_cache.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;
using State = PictureCache::State;

constexpr CacheContent kContent{.key = 5, .count = 10, .height = 64, .width = 64, .channels = 3};
const std::vector<uint32_t> kWanted{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

CacheOptions in(const std::string& folder) {
  return {.path = folder + "/x.pixels", .version = "1", .height = 64, .width = 64, .channels = 3};
}

void expect_off(const CacheOptions& options, const std::string& part) {
  PictureCache cache(options, kContent, kWanted);
  EXPECT_EQ(cache.state(), State::off);
  const auto notes = cache.take_notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find(part), std::string::npos) << notes[0];
}

TEST(CacheFolder, IsWhereTheStandardSays) {
  ::setenv("HOME", "/h", 1);
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(default_cache_folder(), "/h/.cache/gabor");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_EQ(default_cache_folder(), "/h/.cache/gabor");
  ::setenv("XDG_CACHE_HOME", "/x", 1);
  EXPECT_EQ(default_cache_folder(), "/x/gabor");
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  EXPECT_EQ(default_cache_folder(), "");
}

TEST(CacheFolder, NamesTellSourceAndFormApart) {
  const std::string a = cache_file_name("cats", "/photos/cats", 30, 40, 3, Resize::area);
  EXPECT_EQ(a.find("cats-30x40x3-area-"), 0u);
  EXPECT_NE(a, cache_file_name("cats", "/other/cats", 30, 40, 3, Resize::area));
  EXPECT_NE(a, cache_file_name("cats", "/photos/cats", 30, 40, 3, Resize::linear));
}

TEST(CacheFolder, LongestUnusedGoFirst) {
  test::TempFolder temp;
  const auto now = fs::file_time_type::clock::now();
  for (int i = 0; i < 4; i++) {
    const std::string path = temp.path(std::to_string(i) + ".pixels");
    test::write_bytes(path, test::Bytes(100));
    fs::last_write_time(path, now - std::chrono::hours(i));
  }
  test::write_bytes(temp.path("mine.txt"), test::Bytes(1000));
  EXPECT_EQ(make_cache_room(temp.path("new.pixels"), 150, 400), "");
  EXPECT_TRUE(fs::exists(temp.path("0.pixels")) && fs::exists(temp.path("1.pixels")));
  EXPECT_FALSE(fs::exists(temp.path("2.pixels")) || fs::exists(temp.path("3.pixels")));
  EXPECT_TRUE(fs::exists(temp.path("mine.txt")));
  EXPECT_NE(make_cache_room(temp.path("new.pixels"), 401, 400).find("over the limit of 400 B"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(temp.path("0.pixels"))) << "nothing is removed for what cannot fit";
}

TEST(CacheFolder, UnfinishedFilesGoUnlessAProcessIsAtThem) {
  test::TempFolder temp;
  test::write_bytes(temp.path("dead.pixels.part"), test::Bytes(100));
  test::write_bytes(temp.path("alive.pixels.part"), test::Bytes(100));
  const int held = ::open(temp.path("alive.pixels.part").c_str(), O_RDWR);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_NE(make_cache_room(temp.path("new.pixels"), 350, 400).find("would take 450 B"), std::string::npos);
  EXPECT_FALSE(fs::exists(temp.path("dead.pixels.part")));
  EXPECT_TRUE(fs::exists(temp.path("alive.pixels.part")));
  ::close(held);
}

TEST(CacheFolder, OverTheLimitThereIsNone) {
  test::TempFolder temp;
  CacheOptions options = in(temp.path());
  options.max_bytes = 1000;
  expect_off(options, "over the limit of 1000 B");
}

TEST(CacheFolder, UnwritableFolderIsTold) {
  test::TempFolder temp;
  test::write_bytes(temp.path("file"), {1});
  expect_off(in(temp.path("file")), "Not a directory");
  if (::geteuid() == 0) return;  // root writes everywhere
  fs::create_directories(temp.path("locked"));
  ::chmod(temp.path("locked").c_str(), 0500);
  expect_off(in(temp.path("locked")), "Permission denied");
  ::chmod(temp.path("locked").c_str(), 0700);
}

// A file system of 400 KiB; the cache of kContent is 128 KiB.
TEST(CacheFolder, NearlyFullDiskIsTold) {
  test::TempFolder temp;
  fs::create_directories(temp.path("small"));
  const std::string mount = "mount -t tmpfs -o size=400k none " + temp.path("small") + " 2>/dev/null";
  if (::geteuid() != 0 || std::system(mount.c_str()) != 0)
    GTEST_SKIP() << "cannot mount a small file system here";
  EXPECT_EQ(PictureCache(in(temp.path("small")), kContent, kWanted).state(), State::building);
  test::write_bytes(temp.path("small/other"), test::Bytes(200 << 10));
  expect_off(in(temp.path("small")), "more than half of the");
  EXPECT_EQ(std::system(("umount " + temp.path("small")).c_str()), 0);
}

}  // namespace
}  // namespace gabor
