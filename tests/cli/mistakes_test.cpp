// What users get wrong, and the one line that each mistake must give. {w} stands for the test's folder.
#include "cli/mistakes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "cli/run_command.h"
#include "cli/run_files.h"
#include "cli/tiny_data.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;

void write_files(const Workspace& w) {
  write_class_folders(w.path("photos"), {"cat", "dog"}, 12);
  write_class_folders(w.path("three"), {"cat", "dog", "owl"}, 6);
  write_class_folders(w.path("one"), {"cat"}, 12);
  write_class_folders(w.path("bad"), {"cat", "dog"}, 12);
  write_idx_folder(w.path("idx"));
  for (int i = 0; i < 6; i++)
    write_text(w.path("bad/cat/0" + std::to_string(i) + ".bmp"), "these are no pixels");
  fs::create_directories(w.path("empty"));
  fs::create_directories(w.path("full"));
  write_text(w.path("full/notes.txt"), "mine");
  write_text(w.path("text.jpg"), "no picture at all");
  write_text(w.path("cut.bmp"), noisy_bmp(12, 12, 9, 9, 9, 1).substr(0, 200));
  ::mkfifo(w.path("pipe").c_str(), 0600);
  for (const auto& [name, text] : kModelFiles) write_text(w.path(name), text);
}

// A finished run, and damaged copies of its checkpoint.
void write_run(const Workspace& w) {
  const auto r = run_gabor(
      {"train", w.path("photos"), "--size", "8x8", "--epochs", "1", "--batch", "8", "--out", w.path("run")},
      {w.path()});
  ASSERT_EQ(r.code, 0) << r.err;
  const std::string good = read_text(w.path("run/best.safetensors"));
  ASSERT_GT(good.size(), 3000u);
  write_text(w.path("cut.safetensors"), good.substr(0, good.size() - 100));
  std::string flipped = good;
  flipped[flipped.size() - 20] = char(flipped[flipped.size() - 20] ^ 4);
  write_text(w.path("flipped.safetensors"), flipped);
  write_text(w.path("magic.safetensors"), "not a checkpoint, but long enough to be one");
  fs::create_directories(w.path("weights_only"));
  fs::copy_file(w.path("run/best.safetensors"), w.path("weights_only/last.safetensors"));
  fs::copy(w.path("run"), w.path("run2"), fs::copy_options::recursive);
  fs::copy(w.path("run"), w.path("edited"), fs::copy_options::recursive);
  for (const char* file : {"edited/best.safetensors", "edited/last.safetensors"})
    edit_metadata(w.path(file), "gabor.preprocess", "antialias", "area");
  fs::copy_file(w.path("run/best.safetensors"), w.path("swapped.safetensors"));
  edit_metadata(w.path("swapped.safetensors"), "gabor.classes", R"("cat","dog")", R"("dog","cat")");
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The last line of stderr, without its end.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class Mistakes : public ::testing::TestWithParam<Mistake> {
 protected:
  static void SetUpTestSuite() {
    workspace = new Workspace;
    write_files(*workspace);
    write_run(*workspace);
  }
  static void TearDownTestSuite() { delete workspace; }
  static inline Workspace* workspace = nullptr;
};

TEST_P(Mistakes, GiveOneLineAndTheRightCode) {
  const Mistake& m = GetParam();
  std::vector<std::string> args;
  for (const std::string& a : m.args) args.push_back(replace_all(a, "{w}", workspace->path()));
  const CommandResult r = run_gabor(args, {workspace->path()});
  EXPECT_EQ(r.code, m.code);
  EXPECT_EQ(replace_all(last_line(r.err), workspace->path(), "{w}"), m.line);
  size_t errors = 0;
  for (size_t at = 0; (at = r.err.find("gabor: error:", at)) != std::string::npos; at++) errors++;
  EXPECT_EQ(errors, 1u) << r.err;
  EXPECT_FALSE(fs::exists(workspace->path("runs"))) << "a run that never began left a folder";
}

std::vector<Mistake> all_mistakes() {
  std::vector<Mistake> all = training_mistakes();
  all.insert(all.end(), other_mistakes().begin(), other_mistakes().end());
  return all;
}

INSTANTIATE_TEST_SUITE_P(Each, Mistakes, ::testing::ValuesIn(all_mistakes()),
                         [](const auto& info) { return info.param.name; });

TEST(Mistakes, AreFortyAtLeast) { EXPECT_GE(all_mistakes().size(), 40u); }

}  // namespace
}  // namespace gabor::testing
