#include "duel/problem.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "duel/problem_list.h"
#include "duel/problem_text.h"
#include "temp_folder.h"

namespace gabor {
namespace {

std::string error_of(const std::string& path) {
  try {
    read_problem_list(path);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    return e.what();
  }
  return "none";
}

class ProblemList : public ::testing::Test {
 protected:
  std::string file(const std::string& text) {
    const std::string path = folder_.path() + "/list.txt";
    std::ofstream(path) << text;
    return path;
  }
  testing::TempFolder folder_;
};

TEST_F(ProblemList, HasTagsFirstLayersPoolingAndComments) {
  const auto list =
      read_problem_list(file("# a comment\n\nnet  N=2 H=8 W=8 C=3 K=4 R=3 S=3 act=relu first  # the first\n"
                             "net N=2 H=6 W=6 C=4 K=4 R=1 S=1\r\npools max N=1 H=4 W=4 C=2\n"));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].tag, "net");
  EXPECT_EQ(list[0].name, "net 1");
  EXPECT_TRUE(list[0].first);
  EXPECT_EQ(to_string(list[0].problem), "N=2 H=8 W=8 C=3 K=4 R=3 S=3 pad=0,0 stride=1,1")
      << "without activation";
  EXPECT_FALSE(list[1].first);
  EXPECT_TRUE(std::holds_alternative<Pool2dProblem>(list[2].problem));
  EXPECT_EQ(list[2].name, "pools 3");
}

TEST_F(ProblemList, NamesTheLineOfAMistake) {
  const std::string place = folder_.path() + "/list.txt:2: ";
  const std::string good = "a N=1 H=4 W=4 C=1 K=1 R=1 S=1\n";
  EXPECT_EQ(error_of(file(good + "a N=1 H=4 W=4 C=1 K=1 R=9 S=1\n")).find(place), 0u);
  EXPECT_EQ(error_of(file(good + "a N=1 H=4 W=4 Q=1\n")).find(place + "problem: unknown word 'Q=1'"), 0u);
  EXPECT_EQ(error_of(file(good + "lonely\n")).find(place + "a tag without a problem"), 0u);
  EXPECT_NE(error_of(file("# nothing\n")).find("has no problem"), std::string::npos);
  EXPECT_NE(error_of(folder_.path() + "/none.txt").find("cannot be read"), std::string::npos);
}

TEST_F(ProblemList, OfTheTestsIsReadInWhole) {
  const auto list = read_problem_list(std::string(GABOR_SOURCE_DIR) + "/tests/problems/conv2d.txt");
  EXPECT_GT(list.size(), 10u);
}

TEST(ProblemText, OfEveryOpReadsWhatItWrites) {
  for (const char* text :
       {"conv2d N=2 H=8 W=8 C=3 K=4 R=3 S=3 pad=0,0 stride=1,1",
        "pool2d max N=1 H=4 W=4 C=2 R=2 S=2 pad=0,0 stride=2,2",
        "pool2d max N=1 H=4 W=4 C=2 R=2 S=2 pad=0,0 stride=2,2 relu", "dense N=7 C=33 K=5",
        "softmax N=9 K=17", "batchnorm rows=2048 C=32 epsilon=0.001 momentum=0.25",
        "activation relu count=4096", "activation elu count=4096 alpha=0.5",
        "loss softmax_cross_entropy N=32 K=10", "loss mse N=32 K=10",
        "loss softmax_cross_entropy N=32 K=10 label_smoothing=0.1",
        "loss softmax_cross_entropy N=32 K=10 label_smoothing=0.1 labels=2", "loss mse N=32 K=10 labels=2",
        "first_block u8 N=8 H=30 W=30 C=3 K=10 R=5 S=5 pad=0,0 stride=1,1 act=relu | "
        "max N=8 H=26 W=26 C=10 R=2 S=2 pad=0,0 stride=2,2"}) {
    const AnyProblem p = parse_problem(text);
    EXPECT_EQ(op_name(p) + (" " + to_string(p)), text);
    EXPECT_EQ(std::string(text).find(op_name(p)), 0u);
  }
}

TEST(ProblemText, NeedsNoMoreThanWhatMatters) {
  EXPECT_EQ(to_string(parse_problem("l2 N=1 H=4 W=4 C=2")), "l2 N=1 H=4 W=4 C=2 R=2 S=2 pad=0,0 stride=2,2");
  EXPECT_EQ(to_string(parse_problem("dense N=7 C=33 K=5 act=relu")), "N=7 C=33 K=5");
  EXPECT_EQ(to_string(parse_problem("batchnorm rows=8 C=2 act=relu")),
            "rows=8 C=2 epsilon=1e-05 momentum=0.1");
  EXPECT_EQ(to_string(parse_problem("batchnorm rows=8 C=2")), "rows=8 C=2 epsilon=1e-05 momentum=0.1");
  EXPECT_EQ(to_string(parse_problem("first_block N=8 H=30 W=30 C=3 K=10 R=5 S=5 | relu")),
            "u8 N=8 H=30 W=30 C=3 K=10 R=5 S=5 pad=0,0 stride=1,1 act=relu | "
            "max N=8 H=26 W=26 C=10 R=2 S=2 pad=0,0 stride=2,2");
}

TEST(ProblemText, RefusesWhatMakesNoSense) {
  for (const auto& [text, message] :
       {std::pair{"dense N=7 C=0 K=5", "problem: C is 0; must be at least 1"},
        {"dense N=7 C=3 K=5 R=2", "problem: unknown word 'R=2' in 'N=7 C=3 K=5 R=2'"},
        {"softmax", "none"},
        {"sofmax N=2 K=3", "problem: unknown op 'sofmax'; did you mean 'softmax'?"},
        {"batchnorm rows=8 C=2 epsilon=big", "problem: 'epsilon=big': expected a number"},
        {"activation count=7", "problem: 'count=7' names no activation"},
        {"activation relu", "problem: count is 0; must be at least 1"},
        {"loss mse N=4 K=2 label_smoothing=1",
         "problem: label_smoothing is 1; must be 0 or more and below 1"},
        {"first_block N=1 H=9 W=9 C=3 K=2 R=3 S=3 | average R=2 S=2",
         "problem: a first block ends in max pooling, not in average"},
        {"first_block N=1 H=9 W=9 C=3 K=2 R=3 S=3 | C=9",
         "problem: the pooling's 1x7x7x9 is not the convolution's 1x7x7x2"},
        {"first_block N=1 H=9 W=9 C=5 K=2 R=3 S=3", "problem: a u8 picture has at most 4 channels, not 5"},
        {"first_block N=1 H=30 W=30 C=3 K=2 R=3 S=3 | R=16 S=16",
         "problem: a first block's pooling has at most 254 taps, not 256"}}) {
    std::string got = "none";
    try {
      parse_problem(text);
    } catch (const Error& e) {
      got = e.what();
    }
    EXPECT_EQ(got, message) << text;
  }
}

DuelProblem conv(const char* text, bool first = false) {
  return {.problem = parse_conv2d(text), .first = first};
}

TEST(ProblemClass, IsTheFirstThatFits) {
  EXPECT_EQ(class_of(conv("N=1 H=8 W=8 C=3 K=4 R=3 S=3 stride=2,2", true)), ProblemClass::first_layer);
  EXPECT_EQ(class_of(conv("N=1 H=8 W=8 C=4 K=4 R=3 S=3 stride=2,2 groups=4")), ProblemClass::depthwise);
  EXPECT_EQ(class_of(conv("N=1 H=8 W=8 C=4 K=4 R=1 S=1 stride=2,2")), ProblemClass::stride);
  EXPECT_EQ(class_of(conv("N=1 H=8 W=8 C=4 K=4 R=1 S=1")), ProblemClass::pointwise);
  EXPECT_EQ(class_of(conv("N=1 H=8 W=8 C=4 K=4 R=3 S=3")), ProblemClass::three);
  EXPECT_EQ(class_of(conv("N=1 H=8 W=8 C=4 K=4 R=5 S=5")), ProblemClass::other_conv);
  EXPECT_EQ(class_of({.problem = SoftmaxProblem{}}), ProblemClass::softmax);
  EXPECT_EQ(class_of({.problem = BatchNormProblem{}}), ProblemClass::batchnorm);
  EXPECT_EQ(class_of({.problem = FirstBlockProblem{}, .first = true}), ProblemClass::first_block);
  for (int c = 0; c < kProblemClasses; c++) EXPECT_STRNE(name_of(ProblemClass(c)), nullptr) << c;
}

TEST(Passes, OfAFirstLayerHaveNoDgradAndOfPoolingNoWgrad) {
  const std::vector<Pass> all = {Pass::fprop, Pass::dgrad, Pass::wgrad};
  EXPECT_EQ(passes_of(conv("N=1 H=8 W=8 C=3 K=4 R=3 S=3", true), all),
            (std::vector{Pass::fprop, Pass::wgrad}));
  EXPECT_EQ(passes_of({.problem = Pool2dProblem{}}, all), (std::vector{Pass::fprop, Pass::dgrad}));
  EXPECT_EQ(passes_of({.problem = BatchNormProblem{}}, all), (std::vector{Pass::fprop, Pass::dgrad}));
  EXPECT_EQ(passes_of({.problem = LossProblem{}}, all), std::vector{Pass::fprop}) << "with its gradient";
  EXPECT_EQ(passes_of({.problem = FirstBlockProblem{}}, all), (std::vector{Pass::fprop, Pass::wgrad}));
  EXPECT_EQ(passes_of(conv("N=1 H=8 W=8 C=3 K=4 R=3 S=3"), {Pass::wgrad}), std::vector{Pass::wgrad});
}

TEST(Reach, CountsNoPaddingAndNothingThatStridesSkip) {
  EXPECT_EQ(reach(6, 3, 0, 1, 1, 4).taps, 12);
  EXPECT_EQ(reach(6, 3, 1, 1, 1, 6).taps, 16) << "the first and the last window miss one tap each";
  EXPECT_EQ(reach(7, 1, 0, 2, 1, 4).touched, 4);
  EXPECT_EQ(reach(1, 1, 3, 2, 1, 4).taps, 0) << "windows at -3, -1, 1 and 3";
  const DuelProblem p = conv("N=2 H=7 W=7 C=8 K=4 R=1 S=1 pad=3,3 stride=2,2");
  EXPECT_EQ(flops_of(p.problem), 2.0 * 2 * 4 * 8 * 3 * 3) << "3 of 7 windows each way, at 1, 3 and 5";
}

TEST(ScaleDown, NeverLeavesWindowsThatReadOnlyPadding) {
  for (const char* text :
       {"N=8 H=7 W=7 C=512 K=64 R=1 S=1 pad=3,3 stride=2,2", "N=8 H=64 W=3 C=64 K=64 R=3 S=3 pad=1,1",
        "N=8 H=40 W=40 C=8 K=8 R=5 S=5 pad=9,9"}) {
    DuelProblem p = conv(text);
    scale_down(p, 1);
    const auto& c = std::get<Conv2dProblem>(p.problem);
    EXPECT_EQ(c.N, 1);
    EXPECT_GT(c.H, c.pad.top) << to_string(c);
    EXPECT_GE(c.W, c.S) << to_string(c);
    EXPECT_GT(flops_of(c), 0) << to_string(c);
  }
}

TEST(ScaleDown, CutsNThenHAndWAndSaysFromWhere) {
  DuelProblem p = conv("N=32 H=66 W=66 C=8 K=8 R=3 S=3");
  const double one = flops_of(p.problem) / 32;
  scale_down(p, flops_of(p.problem));
  EXPECT_EQ(p.scaled_from, "") << "it is small enough";
  scale_down(p, 5.5 * one);
  EXPECT_EQ(to_string(p.problem), "N=5 H=66 W=66 C=8 K=8 R=3 S=3 pad=0,0 stride=1,1");
  EXPECT_EQ(p.scaled_from, "N=32 H=66 W=66 C=8 K=8 R=3 S=3 pad=0,0 stride=1,1");
  scale_down(p, 0.3 * one);
  EXPECT_EQ(to_string(p.problem), "N=1 H=33 W=33 C=8 K=8 R=3 S=3 pad=0,0 stride=1,1");
  scale_down(p, 1);
  EXPECT_EQ(to_string(p.problem), "N=1 H=4 W=4 C=8 K=8 R=3 S=3 pad=0,0 stride=1,1")
      << "the window still fits";
  EXPECT_EQ(p.scaled_from, "N=32 H=66 W=66 C=8 K=8 R=3 S=3 pad=0,0 stride=1,1");
}

TEST(ScaleDown, CutsRowsElementsAndAWholeBlock) {
  const auto scaled = [](const char* text, double share) {
    DuelProblem p{.problem = parse_problem(text)};
    scale_down(p, share * flops_of(p.problem));
    return to_string(p.problem);
  };
  EXPECT_EQ(scaled("batchnorm rows=1000 C=2", 0.25), "rows=250 C=2 epsilon=1e-05 momentum=0.1");
  EXPECT_EQ(scaled("activation relu count=1000", 0.5), "relu count=500");
  EXPECT_EQ(scaled("loss mse N=64 K=3", 0.5), "mse N=32 K=3");
  EXPECT_EQ(scaled("first_block u8 N=4 H=32 W=32 C=3 K=8 R=5 S=5", 0.06),
            "u8 N=1 H=16 W=16 C=3 K=8 R=5 S=5 pad=0,0 stride=1,1 act=relu | "
            "max N=1 H=12 W=12 C=8 R=2 S=2 pad=0,0 stride=2,2");
}

TEST(Batch, GoesToAllThatHasSamples) {
  DuelProblem block{.problem = parse_problem("first_block N=4 H=32 W=32 C=3 K=8 R=5 S=5")},
      rows{.problem = parse_problem("batchnorm rows=1000 C=2")};
  set_batch(block, 7), set_batch(rows, 7);
  EXPECT_EQ(std::get<FirstBlockProblem>(block.problem).conv.N, 7);
  EXPECT_EQ(std::get<FirstBlockProblem>(block.problem).pool.N, 7);
  EXPECT_EQ(std::get<BatchNormProblem>(rows.problem).rows, 1000);
}

}  // namespace
}  // namespace gabor
