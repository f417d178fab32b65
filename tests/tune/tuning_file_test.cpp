#include "tune/tuning_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "temp_folder.h"

namespace gabor::testing {
namespace {

TuningRecord record(const std::string& problem, const std::string& winner) {
  return {
      .place = {"0.1.0", "CPU \"X\"", 2},
      .op = "conv2d",
      .problem = problem,
      .pass = "wgrad",
      .math = "fp32",
      .layout = "NHWC",
      .measured_N = 4,
      .candidates = {{"cpu", "direct", 2e-3, 1.9e-3, 2.1e-3}, {"cpu/onednn", "jit", 1.25e-3, 1e-3, 1.5e-3}},
      .winner = winner};
}

std::string read_all(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class TuningFiles : public ::testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(path) << text; }
  std::string error() {
    try {
      TuningFile{path};
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  TempFolder folder;
  std::string path = folder.path() + "/tuning.jsonl";
};

TEST(TuningRecords, RoundTrip) {
  const TuningRecord r = record("N=4", "cpu/onednn");
  const auto back = parse_record(to_json(r));
  ASSERT_TRUE(back);
  EXPECT_TRUE(same_question(*back, r));
  EXPECT_EQ(to_json(*back), to_json(r));
  EXPECT_EQ(margin(*back), "1.60x faster than cpu (direct)");
  EXPECT_EQ(margin(record("N=4", "cpu")), "");
}

TEST(TuningRecords, EverythingThatMattersIsAsked) {
  const TuningRecord r = record("N=4", "cpu");
  std::vector<TuningRecord> others(9, r);
  others[0].place.gabor = "0.2.0", others[1].place.device = "Y", others[2].place.threads = 3,
  others[3].op = "dense";
  others[4].problem = "N=5", others[5].pass = "dgrad", others[6].math = "tf32",
  others[7].candidates[1].kernel = "gemm";
  others[8].candidates.pop_back();
  for (size_t i = 0; i < others.size(); i++) EXPECT_FALSE(same_question(r, others[i])) << i;
}

TEST(TuningRecords, DamagedOnesAreNone) {
  const std::string good = to_json(record("N=4", "cpu/onednn"));
  ASSERT_TRUE(parse_record(good));
  for (size_t n = 0; n < good.size(); n += 7) EXPECT_FALSE(parse_record(good.substr(0, n))) << n;
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"tuning\":1", "\"tuning\":2"},
                                 {"\"winner\":\"cpu/onednn\"", "\"winner\":\"cuda\""},
                                 {"\"median\":0.00125", "\"median\":0"},
                                 {"\"measured_N\":4", "\"measured_N\":0"},
                                 {"\"threads\":2", "\"threads\":\"two\""}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos) << from;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_FALSE(parse_record(bad)) << to;
  }
  for (const char* other : {"", "null", "[]", "3", "{\"event\":\"start\"}"})
    EXPECT_FALSE(parse_record(other));
}

TEST_F(TuningFiles, DamagedLinesAreCountedAndStay) {
  const std::string cut = to_json(record("N=5", "cpu")).substr(0, 40);
  write(to_json(record("N=4", "cpu")) + "\nnonsense\n" + cut);  // and no end of line
  TuningFile file(path);
  EXPECT_EQ(file.unreadable_lines(), 2);
  EXPECT_TRUE(file.find(record("N=4", "")));
  EXPECT_FALSE(file.find(record("N=5", "")));
  file.open_to_keep();
  file.keep(record("N=6", "cpu/onednn"));
  const TuningFile again(path);
  EXPECT_EQ(again.unreadable_lines(), 2);
  ASSERT_TRUE(again.find(record("N=6", "")));
  EXPECT_EQ(again.find(record("N=6", ""))->winner, "cpu/onednn");
}

TEST_F(TuningFiles, SomebodysFileIsLeftAlone) {
  write("my notes\n");
  EXPECT_EQ(error(), path + ": holds no tuning records; delete it, or name another by --tuning");
  EXPECT_EQ(read_all(path), "my notes\n");
  path = folder.path();
  EXPECT_EQ(error(), path + ": is not a file");
}

TEST_F(TuningFiles, TheFirstAnswerHolds) {
  TuningFile one(path), two(path);  // as two processes that start together
  one.open_to_keep(), two.open_to_keep();
  EXPECT_EQ(one.keep(record("N=4", "cpu")).winner, "cpu");
  EXPECT_EQ(two.keep(record("N=4", "cpu/onednn")).winner, "cpu");
  EXPECT_EQ(TuningFile(path).find(record("N=4", ""))->winner, "cpu");
}

TEST_F(TuningFiles, ManyWritersLoseNothing) {
  constexpr int kWriters = 4, kEach = 25;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; w++)
    writers.emplace_back([&, w] {
      TuningFile file(path);
      file.open_to_keep();
      for (int i = 0; i < kEach; i++) file.keep(record(std::to_string(w) + " " + std::to_string(i), "cpu"));
    });
  for (auto& w : writers) w.join();
  const TuningFile file(path);
  EXPECT_EQ(file.unreadable_lines(), 0);
  for (int w = 0; w < kWriters; w++)
    for (int i = 0; i < kEach; i++)
      EXPECT_TRUE(file.find(record(std::to_string(w) + " " + std::to_string(i), "")));
}

}  // namespace
}  // namespace gabor::testing
