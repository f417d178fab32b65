// Each rule is shown a file that breaks it and one that keeps it: a rule that cannot fail would guard
// nothing.
#include "arch/rules.h"

#include <gtest/gtest.h>

namespace gabor::arch {
namespace {

SourceFile file(std::string path, std::string text) { return {std::move(path), std::move(text)}; }

TEST(ArchRules, ArrowsNameTheLineOfAForbiddenInclude) {
  const auto wrong =
      check_arrows(file("src/layers/conv2d.cpp", "#include <vector>\n#include \"backends/all.h\"\n"));
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(wrong[0], "src/layers/conv2d.cpp:2: src/layers must not include backends/all.h");
}

TEST(ArchRules, ArrowsForbidBackendsThatSeeEachOther) {
  EXPECT_EQ(check_arrows(file("src/backends/cpu/conv.cpp", "#include \"backends/reference/conv.h\"")).size(),
            1u);
  EXPECT_EQ(check_arrows(file("src/backends/cpu/conv.cpp", "#include \"backends/cpu/conv.h\"")).size(), 0u);
  EXPECT_EQ(check_arrows(file("src/backends/all.cpp", "#include \"backends/reference/conv.h\"")).size(), 0u);
}

TEST(ArchRules, ArrowsPointOneWay) {
  EXPECT_EQ(check_arrows(file("src/core/shape.h", "#include \"ops/conv2d.h\"")).size(), 1u);
  EXPECT_EQ(check_arrows(file("src/ops/conv2d.h", "#include \"core/shape.h\"")).size(), 0u);
  EXPECT_EQ(check_arrows(file("src/data/reader.cpp", "#include \"layers/layer.h\"")).size(), 1u);
  EXPECT_EQ(check_arrows(file("kernels/conv2d/naive.cuh", "#include \"core/shape.h\"")).size(), 1u);
  EXPECT_EQ(check_arrows(file("kernels/conv2d/naive.cuh", "#include \"core/problem/conv2d.h\"")).size(), 0u);
}

TEST(ArchRules, ArrowsAreForOurFilesAndWantThemWrittenFromTheRoot) {
  EXPECT_EQ(check_arrows(file("src/backends/cpu/pool2d.cpp", "#include \"hwy/highway.h\"")).size(), 0u);
  EXPECT_EQ(check_arrows(file("src/core/shape.cpp", "#include \"shape.h\"")).size(), 1u);
}

TEST(ArchRules, ArrowsWantEveryFolderInTheTable) {
  EXPECT_EQ(check_arrows(file("src/plugins/x.cpp", "")).size(), 1u);
}

TEST(ArchRules, ThirdPartyHeadersStayInTheirFolders) {
  EXPECT_EQ(check_third_party(file("src/report/png.cpp", "#include <opencv2/core.hpp>")).size(), 1u);
  EXPECT_EQ(check_third_party(file("src/data/decode.cpp", "#include <opencv2/core.hpp>")).size(), 0u);
  EXPECT_EQ(check_third_party(file("src/ops/conv2d.h", "#include <dnnl.hpp>")).size(), 1u);
  EXPECT_EQ(check_third_party(file("include/gabor/model.h", "#include <fmt/format.h>")).size(), 1u);
  EXPECT_EQ(check_third_party(file("include/gabor/model.h", "#include <vector>\n#include \"gabor/error.h\""))
                .size(),
            0u);
}

TEST(ArchRules, TheLibraryNeitherPrintsNorExits) {
  EXPECT_EQ(check_silence(file("src/train/trainer.cpp", "void f() { std::cerr << 1; }")).size(), 1u);
  EXPECT_EQ(check_silence(file("src/train/trainer.cpp", "\nvoid f() { exit(1); }")).size(), 1u);
  EXPECT_EQ(check_silence(file("src/core/log.cpp", "thread_local int depth;")).size(), 1u);
  EXPECT_EQ(
      check_silence(file("src/train/trainer.cpp", "// exit(1)\nauto s = \"printf(\"; snprintf(b, 9, s);"))
          .size(),
      0u);
  EXPECT_EQ(check_silence(file("src/cli/main.cpp", "void f() { exit(1); }")).size(), 0u);
}

TEST(ArchRules, FilesAreShortCleanAndNamedForTheirContents) {
  std::string text;
  for (int i = 0; i < 151; ++i) text += "\n";
  EXPECT_EQ(check_shape(file("src/layers/dense.cpp", text)).size(), 1u);
  EXPECT_EQ(check_shape(file("src/model/graph.cpp", text)).size(), 0u);
  EXPECT_EQ(check_shape(file("src/core/utils.h", "")).size(), 1u);
  EXPECT_EQ(check_shape(file("src/core/shape.h", "int a;\t\n")).size(), 1u);
  EXPECT_EQ(check_shape(file("src/core/shape.h", "int a;\r\n")).size(), 1u);
}

}  // namespace
}  // namespace gabor::arch
