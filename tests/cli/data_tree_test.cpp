// Data sets are only read: their tree is the same after every command, whatever lies in it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "cli/run_command.h"
#include "cli/tiny_data.h"
#include "data/fingerprint.h"

namespace gabor::testing {
namespace {

namespace fs = std::filesystem;
using Args = std::vector<std::string>;

// One line: name, what lstat says of it (a folder's time of change tells of files that came and went), and contents.
std::string line_of(const fs::path& path) {
  struct stat s {};
  if (::lstat(path.c_str(), &s) != 0) return path.string() + " is gone";
  Fingerprint contents;
  if (S_ISREG(s.st_mode)) contents.add(read_text(path.string()));
  if (S_ISLNK(s.st_mode)) contents.add(fs::read_symlink(path).string());
  std::ostringstream line;
  line << path.string() << " inode " << s.st_ino << " mode " << std::oct << s.st_mode << std::dec << " owner "
       << s.st_uid << ":" << s.st_gid << " size " << s.st_size << " changed " << s.st_mtim.tv_sec << "."
       << s.st_mtim.tv_nsec << " contents " << contents.value();
  return line.str();
}

std::vector<std::string> snapshot(const std::string& root) {
  std::vector<std::string> lines = {line_of(root)};
  for (const auto& entry : fs::recursive_directory_iterator(root)) lines.push_back(line_of(entry.path()));
  std::sort(lines.begin(), lines.end());
  return lines;
}

// The verbs that gabor --help lists: "  train     train a classifier; ..."
std::vector<std::string> verbs(const std::string& help) {
  std::vector<std::string> found;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);)
    if (line.size() > 2 && line.starts_with("  ") && line[2] != ' ')
      found.push_back(line.substr(2, line.find(' ', 2) - 2));
  return found;
}

// Commands of each verb, run in a folder beside data/, in the order of the help: later ones use the run of the first.
const std::map<std::string, std::vector<Args>>& commands() {
  static const std::map<std::string, std::vector<Args>> table = {
      {"train",
       {{"train", "../data/photos", "--size", "8x8", "--epochs", "1", "--batch", "8", "--cache", "caches",
         "--flip", "--profile", "trace.json", "--out", "run"},
        {"train", "--resume", "run", "--epochs", "2", "--shadow", "reference:2"},
        {"train", "../data/pictures.csv", "--size", "8x8", "--epochs", "1", "--no-cache", "--out", "csv"},
        {"train", "../data/digits", "--epochs", "1", "--val", "../data/digits", "--out", "digits"},
        {"train", "../data/photos", "--size", "8x8", "--dry-run"}}},
      {"eval",
       {{"eval", "run", "../data/photos", "--cache", "caches"},
        {"eval", "run", "../data/photos", "--split", "all", "--no-cache", "--max-bad", "1", "--json"},
        {"eval", "digits", "../data/digits"}}},
      {"predict", {{"predict", "run", "../data/photos/cat/02.bmp", "../data/photos/dog/alias.bmp"}}},
      {"summary", {{"summary", "../data/model.toml", "--input", "8x8x3", "--classes", "2"}}},
      {"plan", {{"plan", "../data/model.toml", "--input", "8x8x3", "--classes", "2", "--json"}}},
      {"doctor",
       {{"doctor"},
        {"doctor", "../data/photos", "--sheet", "sheet.png", "--remove-list", "remove.txt", "--max-bad",
         "0.1"},
        {"doctor", "../data/digits", "--json"}}},
      {"cache", {{"cache", "../data/photos", "--size", "9x9", "--cache", "caches"}}},
      {"augment",
       {{"augment", "../data/photos", "--size", "9x9", "--augment", "flip,crop", "--out", "sheet.png"}}},
      {"duel",
       {{"duel", "../data/problems.txt", "--backend", "cpu,reference", "--time", "0.001", "--html",
         "duel.html"},
        {"duel", "../data/model.toml", "--input", "8x8x3", "--classes", "2", "--batch", "1", "--backend",
         "cpu", "--time", "0.001"}}},
  };
  return table;
}

class DataTree : public ::testing::Test {
 protected:
  DataTree() {
    write_class_folders(w.path("data/photos"), {"cat", "dog"}, 12);
    write_text(w.path("data/photos/cat/bad.bmp"), "these are no pixels");
    write_text(w.path("data/photos/.hidden/note"), "mine");
    fs::create_symlink("00.bmp", w.path("data/photos/dog/alias.bmp"));
    fs::create_symlink("nowhere", w.path("data/photos/dog/dangling.bmp"));
    ::mkfifo(w.path("data/photos/dog/pipe.bmp").c_str(), 0640);
    ::chmod(w.path("data/photos/cat/03.bmp").c_str(), 0640);
    write_idx_folder(w.path("data/digits"));
    std::string list = "path,label\n";
    for (int i = 0; i < 10; i++)
      for (const char* label : {"cat", "dog"})
        list += std::string("photos/") + label + "/0" + std::to_string(i) + ".bmp," + label + "\n";
    write_text(w.path("data/pictures.csv"), list);
    write_text(w.path("data/model.toml"),
               "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = \"classes\"\n");
    write_text(w.path("data/problems.txt"), "net N=1 H=4 W=4 C=1 K=1 R=1 S=1\n");
    fs::create_directories(w.path("work"));
    before = snapshot(w.path("data"));
  }
  Workspace w;
  std::vector<std::string> before;
};

TEST_F(DataTree, StaysAsItWasAfterEveryCommand) {
  const std::vector<std::string> all = verbs(run_gabor({"--help"}, {w.path("work")}).out);
  ASSERT_EQ(all.size(), commands().size());
  ASSERT_GE(before.size(), 30u);
  for (const std::string& verb : all) {
    ASSERT_TRUE(commands().contains(verb)) << "a new verb: its commands are wanted in this test's table";
    for (const Args& args : commands().at(verb)) {
      const CommandResult r = run_gabor(args, {w.path("work")});
      EXPECT_EQ(r.code, 0) << verb << ": " << r.err;
      ASSERT_EQ(snapshot(w.path("data")), before) << "changed by " << ::testing::PrintToString(args);
    }
  }
}

// Nor does a command that begins within it, or is told to write into it.
TEST_F(DataTree, RefusesFilesOfItsOwn) {
  const Args train = {"train", ".", "--size", "8x8", "--epochs", "1"};
  const auto with = [](Args args, const Args& more) {
    args.insert(args.end(), more.begin(), more.end());
    return args;
  };
  for (const Args& args :
       {train, with(train, {"--out", "cat/run"}),
        with(train, {"--out", "../../work/a", "--profile", "trace.json"}),
        with(train, {"--out", "../../work/b", "--tuning", "dog/tuning.jsonl"}),
        with(train, {"--out", "../../work/c", "--cache", "cache"}),
        Args{"train", "../digits", "--val", ".", "--out", "run"}, Args{"doctor", ".", "--sheet", "sheet.png"},
        Args{"doctor", "../photos", "--remove-list", "remove.txt"}, Args{"cache", ".", "--size", "8x8"}}) {
    const CommandResult r = run_gabor(args, {w.path("data/photos")});
    EXPECT_EQ(r.code, 2) << ::testing::PrintToString(args) << r.err;
    EXPECT_NE(r.err.find("which is only read; choose another folder"), std::string::npos) << r.err;
    ASSERT_EQ(snapshot(w.path("data")), before) << "changed by " << ::testing::PrintToString(args);
  }
}

}  // namespace
}  // namespace gabor::testing
