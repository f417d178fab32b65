// The cache of decoded pictures as a user meets it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/run_command.h"
#include "cli/run_files.h"
#include "cli/tiny_data.h"
#include "report/metrics_csv.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class CacheOption : public ::testing::Test {
 protected:
  CacheOption() {
    write_class_folders(w.path("photos"), {"cat", "dog"}, 24);
    write_text(w.path("photos/cat/03.bmp"), "these are no pixels");
  }

  CommandResult gabor(const std::vector<std::string>& args) {
    const CommandResult r = run_gabor(args, {w.path()});
    EXPECT_EQ(r.code, 0) << r.err;
    return r;
  }
  CommandResult train(const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"train",  "photos",  "--size", "12x12", "--epochs", "3",
                                     "--flip", "--batch", "8",      "--out", out};
    args.insert(args.end(), more.begin(), more.end());
    return gabor(args);
  }
  std::vector<std::string> caches(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(w.path(folder))) names.push_back(e.path().string());
    return names;
  }
  void expect_same_weights(const std::string& a, const std::string& b) {
    expect_same_tensors(w.path(a + "/last.safetensors"), w.path(b + "/last.safetensors"));
  }
  Workspace w;
};

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

// The lines that name bad files.
std::string warnings(const CommandResult& r) {
  std::string out;
  size_t begin = 0;
  while (begin < r.err.size()) {
    const size_t end = std::min(r.err.find('\n', begin), r.err.size());
    const std::string line = r.err.substr(begin, end - begin);
    if (line.find("skipped a bad file") != std::string::npos) out += line + "\n";
    begin = end + 1;
  }
  return out;
}

TEST_F(CacheOption, GivesTheSameWeightsAndNamesTheSameBadFiles) {
  const CommandResult plain = train("plain", {"--no-cache"});
  const CommandResult first = train("first", {"--cache", "caches"});
  const CommandResult second = train("second", {"--cache", "caches", "--threads", "5"});
  expect_part(plain.out, "cache    none: --cache none says so");
  expect_part(first.out, "written in the first epoch, read from then on");
  expect_part(second.out, "pictures are not decoded again");
  EXPECT_EQ(caches("caches").size(), 1u);
  expect_same_weights("plain", "first");
  expect_same_weights("plain", "second");
  EXPECT_GT(read_metrics(w.path("first")).front().picture.decode_ms, 0);
  EXPECT_TRUE(std::isnan(read_metrics(w.path("first")).back().picture.decode_ms));
  expect_part(warnings(plain), "03.bmp");
  EXPECT_EQ(warnings(first), warnings(plain));
  EXPECT_EQ(warnings(second), warnings(plain));
}

TEST_F(CacheOption, ResumedRunsAreTheSame) {
  train("plain", {"--no-cache"});
  train("parts", {"--cache", "caches", "--epochs", "1"});
  fs::remove_all(w.path("caches"));
  gabor({"train", "--resume", "parts", "--epochs", "2"});
  EXPECT_EQ(caches("caches").size(), 1u);
  gabor({"train", "--resume", "parts", "--epochs", "3", "--no-cache"});
  expect_same_weights("plain", "parts");
}

TEST_F(CacheOption, StaleAndDamagedFilesAreTold) {
  train("first", {"--cache", "caches"});
  const std::string file = caches("caches").at(0);
  const std::string whole = read_text(file);
  write_text(file, whole.substr(0, 5000));
  expect_part(train("cut", {"--cache", "caches"}).out, "the old file is not used: it is cut short");
  std::string flipped = whole;
  flipped[whole.size() - 400] = char(flipped[whole.size() - 400] ^ 1);
  write_text(file, flipped);
  const CommandResult damaged = train("flipped", {"--cache", "caches"});
  expect_part(damaged.err, "is damaged: it was removed, and its damaged pictures are decoded");
  EXPECT_TRUE(caches("caches").empty());
  expect_same_weights("first", "cut");
  expect_same_weights("first", "flipped");
  train("again", {"--cache", "caches"});
  write_text(w.path("photos/dog/07.bmp"), noisy_bmp(12, 12, 9, 99, 9, 5));
  expect_part(train("changed", {"--cache", "caches"}).out, "was made from other files or options");
}

TEST_F(CacheOption, IsMadeAheadInTheUsersFolderAndFoundByTrainAndEval) {
  const Json made = Json::parse(gabor({"cache", "photos", "--size", "12x12", "--json"}).out);
  EXPECT_EQ(made.at("pictures"), 48);
  EXPECT_EQ(made.at("bad"), 1);
  EXPECT_EQ(made.at("written"), true);
  EXPECT_EQ(made.at("file").get<std::string>().find(w.path(".cache/gabor/photos-12x12x3-antialias-")), 0u);
  const Json again = Json::parse(gabor({"cache", "photos", "--size", "12x12", "--json"}).out);
  EXPECT_EQ(again.at("written"), false);
  expect_part(train("run", {}).out, "pictures are not decoded again");
  expect_part(gabor({"eval", "run", "photos/"}).out, "decoded before");
  const Json with = Json::parse(gabor({"eval", "run", "photos", "--json"}).out),
             without = Json::parse(gabor({"eval", "run", "photos", "--no-cache", "--json"}).out);
  EXPECT_EQ(with, without);
}

TEST_F(CacheOption, IsLeftOutWhereItGainsNothing) {
  write_idx_folder(w.path("digits"));
  const auto digits = gabor({"train", "digits", "--epochs", "1", "--batch", "8", "--out", "digits-run"});
  expect_part(digits.out, "cache    none: the pictures are in memory");
  expect_part(train("run").out, "of files are decoded in a moment");
  if (!fs::exists(w.path(".cache/gabor"))) return;  // measured kernels may be kept there, pictures not
  for (const std::string& file : caches(".cache/gabor")) EXPECT_FALSE(file.ends_with(".pixels")) << file;
}

}  // namespace
}  // namespace gabor::testing
