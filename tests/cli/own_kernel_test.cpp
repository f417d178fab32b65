// gabor duel --kernel: the examples pass, and each bug that is planted in a copy of one is told of.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "cli/run_command.h"

namespace gabor::testing {
namespace {

const std::string kExamples = std::string(GABOR_SOURCE_DIR) + "/tools/my_kernel/";

CommandResult duel(const Workspace& w, const std::string& problems, const std::string& kernel,
                   const std::vector<std::string>& more = {}) {
  write_text(w.path("list.txt"), problems);
  std::vector<std::string> args = {"duel",  "list.txt", "--backend", "reference", "--time",
                                   "0.001", "--kernel", kernel,      "--json",    "duel.json"};
  args.insert(args.end(), more.begin(), more.end());
  return run_gabor(args, {w.path()});
}

nlohmann::json records_of(const Workspace& w, const std::string& candidate) {
  const auto all = nlohmann::json::parse(read_text(w.path("duel.json")));
  nlohmann::json found = nlohmann::json::array();
  for (const auto& r : all["records"])
    if (r["candidate"] == candidate) found.push_back(r);
  return found;
}

TEST(OwnKernel, TheExamplesAreRightAndHaveNoTime) {
  Workspace w;
  const auto r = run_gabor(
      {"duel", std::string(GABOR_SOURCE_DIR) + "/tests/problems/conv2d.txt", "--scale", "0.0002", "--filter",
       "odd", "--pass", "fprop", "--backend", "cpu,reference", "--time", "0.001", "--kernel",
       kExamples + "naive.cu," + kExamples + "tiled.cu", "--json", "duel.json", "--html", "duel.html"},
      {w.path()});
  ASSERT_EQ(r.code, 0) << r.err << r.out;
  EXPECT_NE(r.out.find("emulated: no time"), std::string::npos) << r.out;
  EXPECT_NE(read_text(w.path("duel.html")).find(">emulated: no time<"), std::string::npos);
  EXPECT_NE(r.out.find("ran on an emulated GPU, checked access by access"), std::string::npos) << r.out;
  for (const char* candidate : {"naive.cu", "tiled.cu"}) {
    int ran = 0;
    for (const auto& record : records_of(w, candidate)) {
      EXPECT_EQ(record["device"], "emulated GPU");
      if (record.contains("unsupported")) {
        EXPECT_EQ(record["unsupported"], "one group only");
        continue;
      }
      ran++;
      EXPECT_TRUE(record["error"]["right"]) << record;
      EXPECT_TRUE(record["seconds"].is_null() && record["ratio"].is_null() && record["ratio_any"].is_null());
    }
    EXPECT_GE(ran, 3);
  }
}

TEST(OwnKernel, EveryFunctionIsCalledWithItsTensors) {
  Workspace w;
  const auto r = duel(w,
                      "net N=2 H=7 W=6 C=4 K=6 R=3 S=2 pad=1,0 stride=2,1 groups=2\n"
                      "pool max N=2 H=6 W=6 C=4\n"
                      "pool max N=1 H=20 W=20 C=1 R=17 S=17\n"
                      "pool average N=2 H=7 W=6 C=4\n"
                      "pool l2 N=2 H=6 W=6 C=4\n"
                      "pool max N=2 H=6 W=6 C=3\n",
                      std::string(GABOR_SOURCE_DIR) + "/tests/cli/own_kernels/every_function.cu");
  ASSERT_EQ(r.code, 0) << r.err << r.out;
  const auto records = records_of(w, "every_function.cu");
  ASSERT_EQ(records.size(), 3u + 5 * 2);
  for (size_t i = 0; i < 11; i++)
    EXPECT_TRUE(records[i].value("/error/right"_json_pointer, false)) << records[i];
  EXPECT_EQ(records[0]["workspace_bytes"], 0);
  EXPECT_EQ(records[2]["workspace_bytes"], 6 * 3 * 2 * 2 * sizeof(float));
  for (size_t i = 11; i < 13; i++) EXPECT_EQ(records[i]["unsupported"], "C a multiple of 3");
}

struct Bug {
  const char* name;
  const char* line;     // of tiled.cu
  const char* planted;  // in its place
  const char* told;     // by a part of the fault's text
};

void PrintTo(const Bug& bug, std::ostream* out) { *out << bug.name; }

class PlantedBug : public ::testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsFoundAndMakesTheCommandFail) {
  const Bug& bug = GetParam();
  std::string source = read_text(kExamples + "tiled.cu");
  const size_t at = source.find(bug.line);
  ASSERT_NE(at, std::string::npos) << "tiled.cu has changed";
  Workspace w;
  write_text(w.path("my.cu"), source.replace(at, std::string(bug.line).size(), bug.planted));
  const auto r = duel(w, "net N=2 H=10 W=9 C=3 K=20 R=3 S=3 pad=1,1\n", "my.cu",
                      {"--pass", "fprop", "--kernel-limit", "5"});
  EXPECT_EQ(r.code, 5) << r.err;
  const auto records = records_of(w, "my.cu");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_FALSE(records[0]["error"]["right"]);
  const std::string fault = records[0]["error"]["fault"];
  EXPECT_NE(fault.find(bug.told), std::string::npos) << fault;
  EXPECT_NE(r.out.find("  WRONG  "), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("\n       " + fault + "\n"), std::string::npos) << r.out;
}

INSTANTIATE_TEST_SUITE_P(
    Each, PlantedBug,
    ::testing::Values(
        Bug{"NoBarrierBeforeTheTilesAreRead", "__syncthreads();  // the tiles are there", "",
            "uninitialised: read of 4 bytes, shared patches byte 4 of 1088, at my.cu:37"},
        Bug{"NoBarrierBeforeTheTilesAreReplaced", "__syncthreads();  // nobody reads them any more", "",
            "race: read of 4 bytes, shared patches byte "},
        Bug{"StoreOneTooFar", "y[pixel * a.K + k] =", "y[pixel * a.K + k + 1] =",
            "out of bounds: write of 4 bytes, global y byte 14400 of 14400, at my.cu:40"},
        Bug{"SwappedIndices", "filters[column][j]", "filters[j][column]", "y[0,0,0,0] is "},
        Bug{"LastPixelForgotten", "if (pixel < a.pixels &&", "if (pixel < a.pixels - 1 &&",
            "y read back by the host: byte 14320, which no kernel ever wrote"},
        Bug{"InputOverwritten", "tiled, a, x, w, b, y);",
            "tiled, a, x, w, b, y);\n  Conv one = a;\n  one.K = 1;\n  launch({dim3(grid.x), dim3(kTile, "
            "kTile)}, tiled, "
            "one, y, w, b, const_cast<float*>(x));",
            "the input x was written to"},
        Bug{"NaN", "float sum = 0;", "float sum = NAN;", "y[0,0,0,0] is nan"},
        Bug{"ResultByTheOrderOfBlocks", "float sum = 0;", "static float sum; sum += 1;",
            "the result depends on the order"},
        Bug{"NoEnd", "first += kTile) {", "first += 0) {", "did not end within 5 s of emulation"},
        Bug{"Crash", "float sum = 0;", "float sum = *reinterpret_cast<volatile float*>(8);",
            "crashed: Segmentation fault"},
        Bug{"TooManyThreads", "dim3(kTile, kTile)", "dim3(kTile, 8 * kTile)", "a block of 2048 threads"}),
    [](const auto& info) { return info.param.name; });

TEST(OwnKernel, WhatTheEmulationHasNoMemoryForIsLeftOut) {
  Workspace w;
  write_text(w.path("my.cu"),
             read_text(kExamples + "naive.cu") +
                 "extern \"C\" size_t conv2d_workspace_bytes(const Conv2dProblem&, Function) { return "
                 "size_t{1} << 28; }\n");
  const auto r = duel(w, "net N=1 H=4 W=4 C=1 K=1 R=1 S=1\n", "my.cu", {"--pass", "fprop"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(records_of(w, "my.cu")[0]["unsupported"],
            "failed: my.cu conv2d_fprop: no memory on the emulated GPU for 268435456 bytes of workspace; use "
            "--scale");
}

TEST(OwnKernel, WhatDoesNotCompileIsShownAsTheCompilerPrintsIt) {
  Workspace w;
  write_text(w.path("my.cu"), "#include \"kernels/own/kernel.h\"\n__global__ void k() { nonsense(); }\n");
  const auto r = duel(w, "net N=1 H=4 W=4 C=1 K=1 R=1 S=1\n", "my.cu");
  EXPECT_EQ(r.code, 2);
  EXPECT_NE(r.err.find("my.cu:2:23: error: "), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("\ngabor: error: --kernel: my.cu does not compile; "), std::string::npos) << r.err;
}

TEST(OwnKernel, AMissingCompilerIsNamed) {
  Workspace w;
  write_text(w.path("my.cu"), "#include \"kernels/own/kernel.h\"\n");
  ::setenv("CXX", "/nowhere/c++ -O2", 1);
  const auto r = duel(w, "net N=1 H=4 W=4 C=1 K=1 R=1 S=1\n", "my.cu");
  ::unsetenv("CXX");
  EXPECT_EQ(r.code, 7);
  EXPECT_EQ(
      r.err,
      "gabor: error: --kernel: /nowhere/c++ cannot be run: No such file or directory; set CXX to a C++20 "
      "compiler\n");
}

}  // namespace
}  // namespace gabor::testing
