// `gabor train --profile`: the timeline of a run's first steps.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

using Json = nlohmann::json;

TEST(Profile, HoldsEveryStepWithItsOpsAndChangesNothing) {
  Workspace w;
  write_class_folders(w.path("photos"), {"cat", "dog"}, 20);  // 28 train, in 4 steps an epoch
  const auto train = [&](const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> args{"train",    "photos", "--size",  "12x12", "--model", "vgg-bn",
                                  "--epochs", "2",      "--batch", "8",     "--out",   out};
    args.insert(args.end(), more.begin(), more.end());
    const CommandResult r = run_gabor(args, {w.path()});
    EXPECT_EQ(r.code, 0) << r.err;
    return read_safetensors(w.path(out + "/last.safetensors"));
  };
  const SafeTensors plain = train("plain", {}), watched = train("watched", {"--profile", "trace.json"});
  for (size_t i = 0; i < plain.tensors.size(); i++) EXPECT_EQ(plain.tensors[i].data, watched.tensors[i].data);

  std::map<std::string, int> counts;
  double ops = 0, steps = 0;
  const Json trace = Json::parse(read_text(w.path("trace.json")));
  for (const Json& e : trace.at("traceEvents")) {
    const std::string name = e.at("name");
    counts[name.starts_with("step ") ? "steps" : name]++;
    if (e.at("ph") != "X") continue;
    EXPECT_GE(e.at("ts"), 0);
    (name.starts_with("step ") ? steps : ops) += name == "wait for pictures" ? 0 : double(e.at("dur"));
  }
  EXPECT_EQ(counts["steps"], 8);
  EXPECT_EQ(counts["update"], 8);
  EXPECT_EQ(counts["wait for pictures"], 6);  // before all but the first of an epoch
  EXPECT_EQ(counts["loss softmax_cross_entropy forward"], 8);
  EXPECT_EQ(counts["loss softmax_cross_entropy backward"], 8);
  EXPECT_GT(ops, 0);
  EXPECT_LE(ops, 1.001 * steps);
}

}  // namespace
}  // namespace gabor::testing
