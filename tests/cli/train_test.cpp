// The command from end to end, on small generated data.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run_command.h"
#include "cli/run_files.h"
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
  EXPECT_EQ(header,
            "epoch,step,train_loss,train_acc,val_loss,val_acc,lr,images_per_s,data_wait_pct,seconds,"
            "decode_ms,resize_ms");
  const auto rows = read_metrics(w.path("run"));
  ASSERT_EQ(rows.size(), 3u);
  for (size_t i = 0; i < 3; i++) {
    EXPECT_EQ(rows[i].epoch, int(i) + 1);
    EXPECT_EQ(rows[i].global_step, int64_t(i + 1) * 5);  // 34 training pictures in batches of 8
    EXPECT_GT(rows[i].train_loss, 0);
    EXPECT_GT(rows[i].images_per_s, 0);
    EXPECT_TRUE(rows[i].val_acc >= 0 && rows[i].val_acc <= 1);
    EXPECT_FLOAT_EQ(float(rows[i].lr), 1e-3f);
    EXPECT_GT(rows[i].picture.decode_ms, 0);
    EXPECT_GT(rows[i].picture.resize_ms, 0);
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
  ASSERT_EQ(train("b", {"--set", "augment=flip"}).code, 0);
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

// 34 training pictures in batches of 8, the limit too small for 8 at once: the run is recorded, resumed and repeated
// with the micro-batch that was chosen.
TEST_F(Train, LimitOfMemoryIsKeptByMicroBatches) {
  const std::vector<std::string> model = {"plan", "article", "--input", "12x12x3", "--classes",
                                          "2",    "--batch", "8",       "--json"};
  const Json whole = Json::parse(gabor(model).out);
  const std::string limit = std::to_string(whole.at("run").at("bytes").get<int64_t>() * 9 / 10 / 1000) + "KB";
  const CommandResult r = train("run", {"--vram", limit});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("at batch 8 in micro-batches of "), std::string::npos) << r.out;
  const std::string config = read_text(w.path("run/config.toml"));
  EXPECT_NE(config.find("vram = \"" + limit + "\"  # option"), std::string::npos) << config;
  const size_t at = config.find("\nmicro-batch = ");
  const std::string micro = config.substr(at + 15, 1);
  EXPECT_TRUE(micro == "4" || micro == "2" || micro == "1") << config;
  EXPECT_EQ(config.substr(at + 16, 8), "  # vram") << config;

  ASSERT_EQ(train("again", {"--micro-batch", micro}).code, 0);
  ASSERT_EQ(gabor({"train", "--resume", "run", "--epochs", "4"}).code, 0);
  ASSERT_EQ(gabor({"train", "--resume", "again", "--epochs", "4"}).code, 0);
  const SafeTensors a = read_safetensors(w.path("run/last.safetensors")),
                    b = read_safetensors(w.path("again/last.safetensors"));
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); i++) EXPECT_EQ(a.tensors[i].data, b.tensors[i].data);
  EXPECT_EQ(gabor({"train", "--resume", "run", "--epochs", "5", "--micro-batch", "8"}).code, 2);
}

TEST_F(Train, DroppedResultsChangeNoWeight) {
  const CommandResult kept = train("kept", {"--model", "vgg-bn", "--recompute", "never"}),
                      dropped = train("dropped", {"--model", "vgg-bn", "--recompute", "always"});
  ASSERT_EQ(kept.code + dropped.code, 0) << kept.err << dropped.err;
  EXPECT_EQ(kept.out.find("run forward again"), std::string::npos) << kept.out;
  EXPECT_NE(dropped.out.find("run forward again"), std::string::npos) << dropped.out;
  expect_same_tensors(w.path("kept/last.safetensors"), w.path("dropped/last.safetensors"));
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

TEST(Plan, GivesTheArticlesPeakBesideTheEagerFigure) {
  Workspace w;
  const std::vector<std::string> args = {"plan", "article", "--batch", "128", "--input", "300x300x3"};
  std::vector<std::string> as_json = args;
  as_json.push_back("--json");
  const CommandResult r = run_gabor(as_json, {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  const Json j = Json::parse(r.out);
  const int64_t peak = j.at("peak").at("bytes");
  EXPECT_LE(peak, 350'000'000);
  EXPECT_EQ(peak, j.at("peak").at("arena").get<int64_t>() + j.at("peak").at("workspace").get<int64_t>() +
                      j.at("peak").at("parameters").get<int64_t>() +
                      j.at("peak").at("images").get<int64_t>());
  EXPECT_GT(j.at("eager_bytes").get<int64_t>(), 6 * peak);
  EXPECT_EQ(j.at("steps").at(0).at("op"), "first_block");
  EXPECT_EQ(j.at("micro_batch"), 128);
  const std::string table = run_gabor(args, {w.path()}).out;
  for (const char* words : {"first_block", "148x148x10", "normalize+conv2d+relu+max_pool", "peak ", "eager "})
    EXPECT_NE(table.find(words), std::string::npos) << table;
}

TEST(Plan, FitsALimitOrNamesTheSmallest) {
  Workspace w;
  const auto plan = [&](const std::string& limit) {
    return run_gabor({"plan", "article", "--batch", "128", "--vram", limit, "--json"}, {w.path()});
  };
  const CommandResult r = plan("300MB");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(Json::parse(r.out).at("micro_batch"), 32);
  EXPECT_LE(Json::parse(r.out).at("run").at("bytes").get<int64_t>(), 300'000'000);
  const CommandResult refused = plan("1MB");
  EXPECT_EQ(refused.code, 4);
  const size_t need = refused.err.find(" need ") + 6;
  const std::string least = refused.err.substr(need, refused.err.find(' ', need) - need);
  EXPECT_EQ(plan(least).code, 0) << least;
}

TEST(Help, OfEveryVerbNamesItsOptions) {
  Workspace w;
  EXPECT_EQ(run_gabor({"--version"}, {w.path()}).out.find("gabor "), 0u);
  for (const char* verb : {"train", "eval", "predict", "summary", "plan", "doctor", "cache"}) {
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
  EXPECT_EQ(j.at("data").at("resize").at("size"), Json({300, 300}));
}

TEST(Doctor, WritesSheetAndRemoveList) {
  Workspace w;
  write_class_folders(w.path("photos"), {"cat", "dog"}, 24);
  write_text(w.path("photos/dog/copy.bmp"), read_text(w.path("photos/cat/03.bmp")));
  write_text(w.path("photos/dog/bad.bmp"), "x");
  const CommandResult r = run_gabor(
      {"doctor", "photos", "--size", "16x16", "--sheet", "sheet.png", "--remove-list", "remove.txt"},
      {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("same picture twice, in two classes: cat/03.bmp"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("resized  to 16x16"), std::string::npos) << r.out;
  EXPECT_EQ(read_text(w.path("remove.txt")), "cat/03.bmp\ndog/bad.bmp\ndog/copy.bmp\n");
  EXPECT_TRUE(read_text(w.path("sheet.png")).starts_with("\x89PNG"));
}

}  // namespace
}  // namespace gabor::testing
