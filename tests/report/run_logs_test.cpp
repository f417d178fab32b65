#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gabor/error.h"
#include "report/log_jsonl.h"
#include "report/metrics_csv.h"

namespace gabor {
namespace {

class RunLogs : public ::testing::Test {
 protected:
  RunLogs() {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  ~RunLogs() override { std::filesystem::remove_all(folder); }
  std::string text(const std::string& name) const {
    std::ifstream file(folder + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  const std::string folder =
      testing::TempDir() + "gabor_logs_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

EpochRecord epoch(int n) {
  EpochRecord e;
  e.epoch = n, e.epochs = 5, e.global_step = n * 100;
  e.train_loss = 1.0 / n, e.train_acc = 0.5, e.val_loss = 0.125, e.val_acc = 0.75;
  e.lr = 1e-3, e.images_per_s = 321.5, e.data_wait_pct = 2.5, e.seconds = 10.25;
  e.picture = {3.25, 0.5};
  e.skipped = 2, e.loss_scale = 16384;
  return e;
}

TEST_F(RunLogs, CsvRowHasTheColumnsInOrder) {
  EXPECT_EQ(metrics_row(epoch(2)), "2,200,0.5,0.5,0.125,0.75,0.001,321.5,2.5,10.25,3.25,0.5");
  EpochRecord e = epoch(1);
  e.val_loss = e.val_acc = std::numeric_limits<double>::quiet_NaN();
  e.picture = {};  // all from the cache
  EXPECT_EQ(metrics_row(e), "1,100,1,0.5,,,0.001,321.5,2.5,10.25,,");
}

TEST_F(RunLogs, ResumedCsvDropsRowsThatAreRunAgain) {
  MetricsCsv first(folder);
  first.on_start({});
  for (int n = 1; n <= 4; n++) first.on_epoch(epoch(n));
  std::ofstream(folder + "/metrics.csv", std::ios::app) << "5,50";  // a row that a crash cut short

  MetricsCsv second(folder);
  RunInfo run;
  run.resumed = true, run.first_epoch = 3;
  second.on_start(run);
  EpochRecord again = epoch(3);
  again.train_acc = 0.875;
  second.on_epoch(again);
  EXPECT_EQ(text("metrics.csv"), std::string(kMetricsHeader) + "\n" + metrics_row(epoch(1)) + "\n" +
                                     metrics_row(epoch(2)) + "\n" + metrics_row(again) + "\n");
  ASSERT_EQ(read_metrics(folder).size(), 3u);
  EXPECT_EQ(read_metrics(folder)[2].train_acc, 0.875);
}

TEST_F(RunLogs, RowsOfAnOlderGaborAreKeptOnResuming) {
  std::ofstream(folder + "/metrics.csv")
      << "epoch,step,train_loss,train_acc,val_loss,val_acc,lr,images_per_s,data_wait_pct,seconds\n"
         "1,100,1,0.5,0.125,0.75,0.001,321.5,2.5,10.25\n";
  MetricsCsv resumed(folder);
  RunInfo run;
  run.resumed = true, run.first_epoch = 2;
  resumed.on_start(run);
  resumed.on_epoch(epoch(2));
  const std::vector<EpochRecord> rows = read_metrics(folder);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].seconds, 10.25);
  EXPECT_TRUE(std::isnan(rows[0].picture.decode_ms));
  EXPECT_EQ(rows[1].picture.decode_ms, 3.25);
  EXPECT_EQ(rows[1].picture.resize_ms, 0.5);
}

TEST_F(RunLogs, JsonLinesKeepWarningsFromBeforeTheStart) {
  LogJsonl log(folder);
  log.on_warning("early \xff bytes");
  EXPECT_FALSE(std::filesystem::exists(folder + "/log.jsonl"));
  RunInfo run;
  run.classes = {"cat", "dog"};
  log.on_start(run);
  EpochRecord e = epoch(1);
  e.val_loss = std::numeric_limits<double>::quiet_NaN();
  log.on_epoch(e);
  log.end(false, 1, 0.75);
  std::istringstream lines(text("log.jsonl"));
  std::vector<nlohmann::json> events;
  for (std::string line; std::getline(lines, line);) events.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].at("event"), "warning");
  EXPECT_EQ(events[1].at("event"), "start");
  EXPECT_EQ(events[1].at("classes").at(1), "dog");
  EXPECT_EQ(events[2].at("epoch"), 1);
  EXPECT_TRUE(events[2].at("val_loss").is_null());
  EXPECT_EQ(events[2].at("skipped_steps"), 2);
  EXPECT_EQ(events[2].at("loss_scale"), 16384);
  EXPECT_EQ(events[3].at("best_epoch"), 1);
  for (const auto& j : events) EXPECT_GT(j.at("time").get<double>(), 1.6e9);
}

TEST_F(RunLogs, RowThatCannotBeWrittenIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  RowFile file("/dev/full");
  try {
    file.append("row\n");
    FAIL() << "written to a full device";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::checkpoint);
    EXPECT_STREQ(e.what(), "/dev/full: cannot be written: No space left on device");
  }
}

}  // namespace
}  // namespace gabor
