// Shadow training from the outside.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run_command.h"
#include "cli/saved_case.h"
#include "cli/tiny_data.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

using Json = nlohmann::json;

class ShadowCommand : public ::testing::Test {
 protected:
  ShadowCommand() { write_class_folders(w.path("photos"), {"cat", "dog"}, 24); }
  CommandResult train(const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"train", "photos", "--size", "12x12", "--epochs", "2", "--batch", "8"};
    if (!out.empty()) args.insert(args.end(), {"--out", out});
    args.insert(args.end(), more.begin(), more.end());
    return run_gabor(args, {w.path()});
  }
  std::vector<std::vector<float>> weights(const std::string& run) {
    std::vector<std::vector<float>> out;
    for (const SafeTensor& t : read_safetensors(w.path(run + "/last.safetensors")).tensors)
      out.push_back(t.data);
    return out;
  }
  Workspace w;
};

TEST_F(ShadowCommand, ChecksLogsAndChangesNoBit) {
  const CommandResult r = train("run", {"--backend", "cpu", "--shadow", "reference:4"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("\nshadow   reference checks every 4 steps"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("\nshadow   reference: 2 checks, worst "), std::string::npos) << r.out;
  int checks = 0;
  std::istringstream log(read_text(w.path("run/log.jsonl")));
  for (std::string line; std::getline(log, line);) {
    const Json j = Json::parse(line);
    if (j["event"] != "shadow") continue;
    EXPECT_EQ(j["step"], 4 * ++checks);
    EXPECT_EQ(j["backend"], "reference");
    for (const char* label : {"conv y", "conv dw", "dense y", "dense dx", "loss dy"}) {
      ASSERT_TRUE(j["drift"].contains(label)) << line;
      EXPECT_LE(j["drift"][label], 1) << line;
    }
  }
  EXPECT_EQ(checks, 2);
  const std::string page = read_text(w.path("run/report.html"));
  EXPECT_NE(page.find("<h2>Shadow training</h2>"), std::string::npos);
  EXPECT_NE(page.find("<td>conv dw</td>"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(w.path("run/shadow"))) << "nothing was wrong";

  ASSERT_EQ(train("plain", {"--backend", "cpu"}).code, 0);
  EXPECT_EQ(weights("run"), weights("plain"));
}

TEST_F(ShadowCommand, GoesOnWhenResumedAndMayBeTurnedOff) {
  ASSERT_EQ(train("run", {"--backend", "cpu", "--shadow", "reference:4"}).code, 0);
  const CommandResult on = run_gabor({"train", "--resume", "run", "--epochs", "3", "--json"}, {w.path()});
  ASSERT_EQ(on.code, 0) << on.err;
  EXPECT_EQ(Json::parse(on.out)["shadow"]["checks"], 1) << "step 12 of 11 to 15";
  const CommandResult off =
      run_gabor({"train", "--resume", "run", "--epochs", "4", "--shadow", "off", "--json"}, {w.path()});
  ASSERT_EQ(off.code, 0) << off.err;
  EXPECT_FALSE(Json::parse(off.out).contains("shadow"));
}

// A dense layer's forward, with a result of a backend that is not here.
SavedCase dense_case() {
  SavedCase c;
  c.step = 50;
  ShadowBreach& b = c.breach;
  b.layer = "dense", b.backend = "mine", b.math = "fp32", b.shadow = "reference",
  b.fault = "y[1] is 9, expected 7";
  b.problem = DenseProblem{.N = 1, .C = 2, .K = 2, .activation = {}};
  for (const TensorSpec& t : call_spec(b.problem, b.pass).inputs) b.call.inputs.emplace_back(t.shape);
  b.call.inputs[0].floats()[0] = 2;                                          // x
  b.call.inputs[1].floats()[0] = 1.5f, b.call.inputs[1].floats()[2] = 3.5f;  // w
  b.call.outputs.emplace_back(Shape{1, 2});
  b.want = b.got = b.call.outputs;
  b.want[0].floats()[0] = b.got[0].floats()[0] = 3;
  b.want[0].floats()[1] = 7, b.got[0].floats()[1] = 9;
  return c;
}

TEST(Replay, JudgesTheBackendsOfThisBuildAndWhatWasSaved) {
  Workspace w;
  save_case(w.path("case.safetensors"), dense_case());
  const CommandResult r = run_gabor(
      {"duel", "--replay", "case.safetensors", "--backend", "cpu,reference", "--time", "0.001"}, {w.path()});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("\ndense: dense N=1 C=2 K=2 (dense)\n"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("\nfprop  cpu        fp32"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("\nfprop  reference  fp64"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find(
                "note: saved at step 50: dense fprop on mine, checked by reference, is over its error "
                "budget: y[1] is 9, expected 7. By the reference, what mine made then is wrong: y[0,1] is 9, "
                "expected 7 +- "),
            std::string::npos)
      << r.out;
}

}  // namespace
}  // namespace gabor::testing
