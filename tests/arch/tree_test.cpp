// The rules of rules.h, applied to the tree that this test was built from.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "arch/rules.h"

namespace gabor::arch {
namespace {

void expect_clean(Violations (*check)(const SourceFile&)) {
  const auto files = read_tree(GABOR_SOURCE_DIR);
  ASSERT_GT(files.size(), 20u) << "too few files below " << GABOR_SOURCE_DIR << ": nothing would be checked";
  for (const SourceFile& file : files)
    for (const std::string& violation : check(file)) ADD_FAILURE() << violation;
}

TEST(Arch, FoldersIncludeOnlyAlongTheArrows) { expect_clean(check_arrows); }
TEST(Arch, ThirdPartyHeadersAreConfined) { expect_clean(check_third_party); }
TEST(Arch, LibraryIsSilent) { expect_clean(check_silence); }
TEST(Arch, FilesAreShortCleanAndNamed) { expect_clean(check_shape); }

// What a shell command prints on stdout and stderr together.
std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
  pclose(pipe);
  return output;
}

TEST(Arch, FilesAreFormatted) {
  // Only the version that formatted them: others lay some lines out differently.
  std::string formatter;
  for (const char* name : {"clang-format-14", "clang-format"})
    if (formatter.empty() &&
        output_of(std::string(name) + " --version").find(" version 14.") != std::string::npos)
      formatter = name;
  if (formatter.empty()) GTEST_SKIP() << "clang-format 14 is not installed";

  const std::string list = testing::TempDir() + "gabor_files_to_format.txt";
  std::ofstream out(list);
  for (const SourceFile& file : read_tree(GABOR_SOURCE_DIR)) out << file.path << '\n';
  out.close();
  const std::string output =
      output_of("cd '" GABOR_SOURCE_DIR "' && xargs " + formatter + " --dry-run --ferror-limit=1 < " + list);
  // One line a file is enough; anything else that it says (a crash, an unknown option) is shown as it is.
  std::istringstream lines(output);
  std::string unformatted;
  for (std::string line; std::getline(lines, line);)
    if (line.find("clang-format-violations") != std::string::npos) unformatted += line + '\n';
  EXPECT_EQ(unformatted, "") << "tools/dev/format mends these";
  EXPECT_TRUE(output.empty() || !unformatted.empty()) << output;
}

}  // namespace
}  // namespace gabor::arch
