// The command from end to end, on small generated data.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "report/metrics_csv.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Train : public ::testing::Test {
 protected:
  Train() { write_class_folders(w.path("photos"), {"cat", "d<o>g"}, 24); }
  CommandResult gabor(const std::vector<std::string>& args) { return run_gabor(args, {w.path()}); }
  CommandResult train(const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"train", "photos",  "--size", "12x12", "--epochs",
                                     "3",     "--batch", "8",      "--out", out};
    args.insert(args.end(), more.begin(), more.end());
    return gabor(args);
  }
  Workspace w;
};

TEST_F(Train, LeavesEverythingThatARunPromises) {
  const CommandResult r = train("run");
  ASSERT_EQ(r.code, 0) << r.err;
  for (const char* file :
       {"config.toml", "metrics.csv", "log.jsonl", "report.html", "best.safetensors", "last.safetensors"})
    EXPECT_GT(read_text(w.path(std::string("run/") + file)).size(), 50u) << file;
  const auto is_events = [](const auto& e) {
    return e.path().filename().string().starts_with("events.out.tfevents.");
  };
  EXPECT_EQ(std::count_if(fs::directory_iterator(w.path("run")), fs::directory_iterator(), is_events), 1);
  EXPECT_NE(r.err.find("epoch 3/3"), std::string::npos) << r.err;
  EXPECT_EQ(r.err.find('\r'), std::string::npos) << "stderr is no terminal here";
  EXPECT_NE(r.out.find("gabor eval run"), std::string::npos) << r.out;
}

TEST_F(Train, MetricsHaveTheColumnsOfTheContract) {
  ASSERT_EQ(train("run").code, 0);
  std::istringstream text(read_text(w.path("run/metrics.csv")));
  std::string header;
  std::getline(text, header);
  EXPECT_EQ(header, "epoch,step,train_loss,train_acc,val_loss,val_acc,lr,images_per_s,data_wait_pct,seconds");
  const auto rows = read_metrics(w.path("run"));
  ASSERT_EQ(rows.size(), 3u);
  for (size_t i = 0; i < 3; i++) {
    EXPECT_EQ(rows[i].epoch, int(i) + 1);
    EXPECT_EQ(rows[i].global_step, int64_t(i + 1) * 5);  // 34 training pictures in batches of 8
    EXPECT_GT(rows[i].train_loss, 0);
    EXPECT_GT(rows[i].images_per_s, 0);
    EXPECT_TRUE(rows[i].val_acc >= 0 && rows[i].val_acc <= 1);
    EXPECT_FLOAT_EQ(float(rows[i].lr), 1e-3f);
  }
}

TEST_F(Train, LearnsAndIsMeasuredTheSameByEval) {
  const CommandResult r = train("run", {"--json", "--lr", "0.01"});
  ASSERT_EQ(r.code, 0) << r.err;
  const Json run = Json::parse(r.out);
  EXPECT_GE(run.at("best_val_acc").get<double>(), 0.95) << r.out;
  EXPECT_EQ(run.at("val_samples"), 14);
  const CommandResult e = gabor({"eval", "run", "photos", "--json"});
  ASSERT_EQ(e.code, 0) << e.err;
  const Json eval = Json::parse(e.out);
  EXPECT_EQ(eval.at("samples"), 14);
  EXPECT_EQ(eval.at("accuracy"), run.at("best_val_acc"));
  const Json all =
      Json::parse(gabor({"eval", "run/last.safetensors", "photos", "--split", "all", "--json"}).out);
  EXPECT_EQ(all.at("samples"), 48);
  EXPECT_EQ(all.at("classes").at(1).at("name"), "d<o>g");
}

TEST_F(Train, PredictNamesTheClass) {
  ASSERT_EQ(train("run", {"--lr", "0.01"}).code, 0);
  const CommandResult r = gabor({"predict", "run", "photos/cat/03.bmp", "photos/d<o>g/05.bmp", "--top", "1"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out.find("photos/cat/03.bmp: cat "), 0u) << r.out;
  EXPECT_NE(r.out.find("photos/d<o>g/05.bmp: d<o>g "), std::string::npos) << r.out;
  const Json j = Json::parse(gabor({"predict", "run", "photos/cat/03.bmp", "nope.jpg", "--json"}).out);
  EXPECT_EQ(j.at("images").at(0).at("predictions").at(0).at("class"), "cat");
  EXPECT_TRUE(j.at("images").at(1).contains("error"));
}

TEST_F(Train, TheSameCommandGivesTheSameBits) {
  ASSERT_EQ(train("a", {"--flip"}).code, 0);
  ASSERT_EQ(train("b", {"--set", "flip=true"}).code, 0);
  ASSERT_EQ(train("c", {"--flip", "--seed", "2"}).code, 0);
  const SafeTensors a = read_safetensors(w.path("a/last.safetensors")),
                    b = read_safetensors(w.path("b/last.safetensors")),
                    c = read_safetensors(w.path("c/last.safetensors"));
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  bool seed_matters = false;
  for (size_t i = 0; i < a.tensors.size(); i++) {
    EXPECT_EQ(a.tensors[i].data, b.tensors[i].data) << a.tensors[i].name;
    seed_matters |= a.tensors[i].data != c.tensors[i].data;
  }
  EXPECT_TRUE(seed_matters);
}

TEST_F(Train, ReportStandsAlone) {
  ASSERT_EQ(train("run").code, 0);
  const std::string page = read_text(w.path("run/report.html"));
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "something is loaded from elsewhere";
  EXPECT_EQ(page.find("d<o>g"), std::string::npos) << "a class name is not escaped";
  EXPECT_NE(page.find("d&lt;o&gt;g"), std::string::npos);
  EXPECT_NE(page.find("gabor train"), std::string::npos);
}

TEST_F(Train, RunFoldersAreNumbered) {
  const std::vector<std::string> args = {"train",    "photos", "--size",  "12x12",
                                         "--epochs", "1",      "--model", "mlp"};
  ASSERT_EQ(gabor(args).code, 0);
  ASSERT_EQ(gabor(args).code, 0);
  EXPECT_TRUE(fs::exists(w.path("runs/mlp-photos-1/report.html")));
  EXPECT_TRUE(fs::exists(w.path("runs/mlp-photos-2/report.html")));
}

TEST_F(Train, DryRunLeavesNothing) {
  const auto before = std::distance(fs::directory_iterator(w.path()), fs::directory_iterator());
  const CommandResult r = gabor({"train", "photos", "--size", "12x12", "--batch", "8", "--dry-run"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("2 steps done"), std::string::npos) << r.out;
  EXPECT_EQ(std::distance(fs::directory_iterator(w.path()), fs::directory_iterator()), before);
}

TEST_F(Train, PicturesOfOneSizeChooseTheInputAndTestPartIsMeasured) {
  write_idx_folder(w.path("digits"));
  const CommandResult r =
      gabor({"train", "digits", "--epochs", "2", "--batch", "8", "--out", "run", "--json"});
  ASSERT_EQ(r.code, 0) << r.err;
  const Json run = Json::parse(r.out);
  EXPECT_EQ(run.at("test").at("samples"), 10);
  const std::string config = read_text(w.path("run/config.toml"));
  EXPECT_NE(config.find("size = \"8x8\"  # data"), std::string::npos) << config;
  EXPECT_NE(config.find("channels = 1  # data"), std::string::npos) << config;
  const CommandResult e = gabor({"eval", "run", "digits", "--json"});
  EXPECT_EQ(Json::parse(e.out).at("part"), "the test part");
  EXPECT_EQ(Json::parse(e.out).at("accuracy"), run.at("test").at("accuracy"));
}

TEST_F(Train, InitStartsFromOtherWeights) {
  ASSERT_EQ(train("first", {"--lr", "0.01"}).code, 0);
  const CommandResult r = train("second", {"--init", "first", "--lr", "1e-9", "--json"});
  ASSERT_EQ(r.code, 0) << r.err;
  const Json first = Json::parse(gabor({"eval", "first", "photos", "--json"}).out);
  EXPECT_NEAR(Json::parse(r.out).at("epochs").at(0).at("val_loss").get<double>(),
              first.at("loss").get<double>(), 1e-4);
}

TEST_F(Train, OverfitLearnsAFewByHeart) {
  const CommandResult r = gabor({"train", "photos", "--size", "12x12", "--overfit", "8", "--epochs", "30",
                                 "--batch", "8", "--lr", "0.01", "--out", "few", "--json"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(Json::parse(r.out).at("best_val_acc"), 1.0);
}

TEST(Summary, GivesTheArticlesNumbers) {
  Workspace w;
  const CommandResult r = run_gabor({"summary", "article", "--input", "300x300x3", "--json"}, {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  const Json j = Json::parse(r.out);
  EXPECT_EQ(j.at("parameters"), 438842);
  EXPECT_EQ(j.at("layers").at(1).at("parameters"), 760);
  EXPECT_EQ(j.at("layers").at(4).at("parameters"), 438082);
  const std::string table = run_gabor({"summary", "article"}, {w.path()}).out;
  for (const char* figure : {"760", "438,082", "438,842"})
    EXPECT_NE(table.find(figure), std::string::npos) << table;
}

TEST(Help, OfEveryVerbNamesItsOptions) {
  Workspace w;
  EXPECT_EQ(run_gabor({"--version"}, {w.path()}).out.find("gabor "), 0u);
  for (const char* verb : {"train", "eval", "predict", "summary", "doctor", "cache"}) {
    const CommandResult r = run_gabor({verb, "--help"}, {w.path()});
    EXPECT_EQ(r.code, 0);
    EXPECT_NE(r.out.find("--json"), std::string::npos) << r.out;
  }
  EXPECT_NE(run_gabor({"train", "--help"}, {w.path()}).out.find("--label-smoothing"), std::string::npos);
}

TEST(Doctor, ListsMachineAndData) {
  Workspace w;
  write_class_folders(w.path("photos"), {"cat", "dog"}, 24);
  const CommandResult r = run_gabor({"doctor", "photos", "--json"}, {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  const Json j = Json::parse(r.out);
  EXPECT_EQ(j.at("data").at("decoded"), 48);
  EXPECT_TRUE(j.at("data").at("ok"));
  EXPECT_GE(j.at("machine").at("threads"), 1);
}

}  // namespace
}  // namespace gabor::testing
