// gabor duel from the outside: table, JSON and page of tiny problems.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cli/run_command.h"

namespace gabor::testing {
namespace {

constexpr const char* kProblems =
    "# tiny\n"
    "net  N=2 H=10 W=10 C=3 K=4 R=3 S=3 pad=1,1 stride=1,1 first\n"
    "net  N=2 H=10 W=10 C=4 K=4 R=1 S=1\n"
    "pool max N=2 H=10 W=10 C=4\n";

const std::vector<std::string> kQuick = {"--backend", "cpu,reference", "--time", "0.001"};

std::vector<std::string> with(std::vector<std::string> args, const std::vector<std::string>& more) {
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(DuelCommand, PrintsATableAndWritesJsonAndPage) {
  Workspace w;
  write_text(w.path("list.txt"), kProblems);
  const auto r = run_gabor(
      with({"duel", "list.txt", "--baseline", "cpu/onednn", "--json", "all.json", "--html", "page.html"},
           kQuick),
      {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  for (const char* line :
       {"\nnet 1: conv2d N=2 H=10 W=10 C=3 K=4 R=3 S=3 pad=1,1 stride=1,1 (first layer)\n"
        "pass   candidate   math  layout  ",
        "\nfprop  cpu         fp32  NHWC    ", "\nwgrad  cpu/direct  fp32  NHWC    ",
        "\ndgrad  reference   fp64  NHWC    ",
        "\npool 3: pool2d max N=2 H=10 W=10 C=4 R=2 S=2 pad=0,0 stride=2,2 (pooling)\n",
        "\ngeometric means of the ratios to cpu/onednn at equal math mode and layout (above 1: faster; in "
        "brackets: problems)\nclass        pass "})
    EXPECT_NE(r.out.find(line), std::string::npos) << line << "\nnot in\n" << r.out;

  const auto j = nlohmann::json::parse(read_text(w.path("all.json")));
  EXPECT_EQ(j["baseline"], "cpu/onednn");
  EXPECT_NE(j["command"].get<std::string>().find(" duel list.txt --baseline cpu/onednn"), std::string::npos);
  EXPECT_GT(j["roofs"][0]["bytes_per_s"], 0);
  EXPECT_GT(j["roofs"][0]["flops_per_s"]["fp32"], 0);
  EXPECT_TRUE(j["machine"].contains("cpu"));
  // Convolutions: two passes of the first, three of the second, four candidates; pooling: two passes, two candidates.
  EXPECT_EQ(j["records"].size(), 5u * 4 + 2 * 2);
  std::set<std::string> kernels;
  for (const auto& record : j["records"]) {
    EXPECT_TRUE(record["error"]["right"]) << record;
    EXPECT_LE(record["error"]["max"], 1) << record;
    EXPECT_GE(record["seconds"]["all"].size(), 1u) << record;  // one only where the machine is busy
    EXPECT_LE(record["seconds"]["low"], record["seconds"]["median"]) << record;
    EXPECT_LE(record["seconds"]["median"], record["seconds"]["high"]) << record;
    EXPECT_EQ(record["ratio"].is_null(), record["op"] == "pool2d" || record["math"] == "fp64") << record;
    if (record["candidate"] == "cpu/onednn") {
      EXPECT_EQ(record["ratio"], 1);
    }
    kernels.insert(record["kernel"].get<std::string>().substr(0, 6));
  }
  EXPECT_EQ(kernels, (std::set<std::string>{"", "direct", "oneDNN"}));

  const std::string page = read_text(w.path("page.html"));
  EXPECT_EQ(page.find("<!DOCTYPE html>"), 0u);
  EXPECT_NE(page.find("<circle class=\"s0\""), std::string::npos);
  EXPECT_NE(page.find("<rect class=\"s1\""), std::string::npos);
}

TEST(DuelCommand, TakesTheLayersOfAModelAndPrintsOneJsonObject) {
  Workspace w;
  const auto r = run_gabor(
      with({"duel", "lenet5", "--batch", "2", "--pass", "fprop,dgrad", "--json", "-"}, kQuick), {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  const auto j = nlohmann::json::parse(r.out);
  std::set<std::string> names;
  for (const auto& record : j["records"]) {
    names.insert(record["name"]);
    EXPECT_NE(record["pass"], "wgrad");
    EXPECT_TRUE(record["name"] != "lenet5 conv1" || record["pass"] == "fprop")
        << "the pictures need no gradient";
  }
  EXPECT_EQ(names, (std::set<std::string>{
                       "lenet5 conv1 first_block", "lenet5 conv1", "lenet5 conv1 activation", "lenet5 pool1",
                       "lenet5 conv2", "lenet5 conv2 activation", "lenet5 pool2", "lenet5 dense1",
                       "lenet5 dense1 activation", "lenet5 dense2", "lenet5 dense2 activation",
                       "lenet5 dense3", "lenet5 dense3 softmax", "lenet5 loss"}));
}

TEST(DuelCommand, HasAPartForEachWorkspaceCap) {
  Workspace w;
  write_text(w.path("list.txt"), kProblems);
  const auto r = run_gabor(
      with({"duel", "list.txt", "--filter", "1x1", "--pass", "dgrad", "--workspace", "0,1GiB"}, kQuick),
      {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  for (const char* line : {"\ndgrad, 0 B       cpu/direct  -  passed over: it needs ",
                           "\ndgrad, 1.00 GiB  cpu/direct  fp32  NHWC  ", "\n1x1    dgrad, 1.00 GiB  "})
    EXPECT_NE(r.out.find(line), std::string::npos) << line << "\nnot in\n" << r.out;
}

TEST(DuelCommand, FiltersScalesAndSaysSo) {
  Workspace w;
  write_text(w.path("list.txt"), kProblems);
  const auto r =
      run_gabor(with({"duel", "list.txt", "--filter", "1x1", "--scale", "0.000003"}, kQuick), {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out.find("net 1:"), std::string::npos);
  EXPECT_NE(r.out.find("\nnet 2: conv2d N=1 H=5 W=5 C=4"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("; scaled down from N=2 H=10 W=10 C=4 K=4 R=1 S=1 pad=0,0 stride=1,1)"),
            std::string::npos);
  EXPECT_NE(r.out.find("\nnote: 1 of 1 problems were scaled down to 3e-06 GFLOP a pass\n"),
            std::string::npos);
}

}  // namespace
}  // namespace gabor::testing
