#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "data/dataset.h"
#include "data/fixture.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

std::string data_error(const std::string& path, const SplitOptions& options = {}) {
  return test::error_of(ErrorCode::data, [&] { open_data(path, options); });
}

Names names_of(const DataSplits& data, const std::vector<uint32_t>& samples) {
  Names names;
  for (uint32_t i : samples) names.push_back(data.dataset->name(i));
  return names;
}

TEST(Folder, ClassesAreSortedByNameAndLabelsFollow) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"zebra", "Ape", "cat"}, 4);
  const DataSplits data = open_data(temp.path(), {.val_split = 0.25});
  EXPECT_EQ(data.dataset->classes(), (Names{"Ape", "cat", "zebra"}));  // bytewise: upper case first
  EXPECT_EQ(data.dataset->size(), 12u);
  EXPECT_EQ(data.train.size(), 9u);
  EXPECT_EQ(data.val.size(), 3u);
  EXPECT_TRUE(data.test.empty());
  for (uint32_t i = 0; i < data.dataset->size(); i++)
    EXPECT_TRUE(
        data.dataset->name(i).starts_with(data.dataset->classes()[size_t(data.dataset->label(i))] + "/"));
  // write_class_folders counts its seeds in the order given: zebra 0..3, Ape 4..7, cat 8..11
  EXPECT_EQ(data.dataset->load(0, 3).pixels, test::picture(12, 16, 3, 4).pixels);
}

TEST(Folder, TrainValTestAreKeptWhateverValIsCalled) {
  for (const char* val : {"val", "valid", "validation"}) {
    test::TempFolder temp;
    test::write_class_folders(temp.path("train"), {"a", "b"}, 3);
    test::write_class_folders(temp.path(val), {"a", "b"}, 2);
    test::write_class_folders(temp.path("test"), {"a", "b"}, 1);
    const DataSplits data = open_data(temp.path(), {});
    EXPECT_EQ(data.train.size(), 6u);
    EXPECT_EQ(data.val.size(), 4u);
    EXPECT_EQ(data.test.size(), 2u);
    for (const auto& name : names_of(data, data.val))
      EXPECT_TRUE(name.starts_with(std::string(val) + "/")) << name;
  }
}

TEST(Folder, WithoutValItIsSplitFromTrainAndTestStays) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("train"), {"a", "b"}, 10);
  test::write_class_folders(temp.path("test"), {"a", "b"}, 3);
  const DataSplits data = open_data(temp.path(), {.val_split = 0.3});
  EXPECT_EQ(data.train.size(), 14u);
  EXPECT_EQ(data.val.size(), 6u);
  EXPECT_EQ(data.test.size(), 6u);
  for (const auto& name : names_of(data, data.val)) EXPECT_TRUE(name.starts_with("train/")) << name;
}

TEST(Folder, OneMoreFolderAroundDoesNotMatter) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("outer/inner/train"), {"a", "b"}, 3);
  test::write_class_folders(temp.path("outer/inner/val"), {"a", "b"}, 2);
  const DataSplits data = open_data(temp.path(), {});
  EXPECT_EQ(data.train.size(), 6u);
  EXPECT_EQ(data.val.size(), 4u);
}

TEST(Folder, AnotherValPathIsMatchedByName) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("main"), {"a", "b", "c"}, 3);
  test::write_class_folders(temp.path("other"), {"c", "b"}, 2);
  const DataSplits data = open_data(temp.path("main"), {.val_path = temp.path("other")});
  EXPECT_EQ(data.train.size(), 9u);
  ASSERT_EQ(data.val.size(), 4u);
  for (uint32_t i : data.val)
    EXPECT_TRUE(
        data.dataset->name(i).starts_with(data.dataset->classes()[size_t(data.dataset->label(i))] + "/"));
  EXPECT_EQ(data.dataset->load(data.val[0], 3).pixels,
            test::picture(12, 16, 3, 2).pixels);  // other/b/100.png
  test::write_class_folders(temp.path("foreign"), {"a", "d"}, 2);
  EXPECT_NE(data_error(temp.path("main"), {.val_path = temp.path("foreign")}).find("class 'd'"),
            std::string::npos);
}

TEST(Folder, FingerprintTellsDataAndSplitApart) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("x"), {"a", "b"}, 5);
  const uint64_t print = open_data(temp.path("x"), {}).fingerprint;
  EXPECT_EQ(open_data(temp.path("x"), {}).fingerprint, print);
  EXPECT_NE(open_data(temp.path("x"), {.seed = 2}).fingerprint, print);
  fs::copy(temp.path("x"), temp.path("y"), fs::copy_options::recursive);
  EXPECT_EQ(open_data(temp.path("y"), {}).fingerprint, print);
  fs::rename(temp.path("y/a/100.png"), temp.path("y/a/101-bis.png"));
  EXPECT_NE(open_data(temp.path("y"), {}).fingerprint, print);
}

TEST(Folder, ReadingChangesNothing) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 5);
  const std::string before = test::hex_hash(temp.path());
  const DataSplits data = open_data(temp.path(), {});
  for (size_t i = 0; i < data.dataset->size(); i++) data.dataset->load(i, 3);
  EXPECT_EQ(test::hex_hash(temp.path()), before);
}

TEST(Folder, HiddenAndLooseFilesAreLeftOut) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 5);
  test::write_bytes(temp.path("a/.DS_Store"), {1});
  test::write_bytes(temp.path(".cache/x.png"), {1});
  test::write_bytes(temp.path("README.txt"), {1});
  fs::create_directory(temp.path("c"));
  const DataSplits data = open_data(temp.path(), {});
  EXPECT_EQ(data.dataset->size(), 10u);
  EXPECT_NE(data.split_note.find("1 files outside class folders"), std::string::npos) << data.split_note;
  EXPECT_NE(data.split_note.find("class folder 'c' is empty"), std::string::npos) << data.split_note;
}

TEST(FolderHostile, FifosAndLinksNeitherHangNorLeadOutside) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("set"), {"a", "b"}, 5);
  test::write_picture(temp.path("outside/secret.png"), 1);
  ASSERT_EQ(mkfifo(temp.path("set/a/fifo.png").c_str(), 0600), 0);
  fs::create_directory_symlink(temp.path("set"), temp.path("set/a/loop"));
  fs::create_directory_symlink("..", temp.path("set/b/up"));
  fs::create_symlink(temp.path("outside/secret.png"), temp.path("set/a/secret.png"));
  fs::create_directory_symlink(temp.path("outside"), temp.path("set/a/outside"));
  fs::create_symlink("nowhere", temp.path("set/a/broken.png"));
  fs::create_symlink(temp.path("set/a/100.png"), temp.path("set/a/alias.png"));
  const DataSplits data = open_data(temp.path("set"), {});
  EXPECT_EQ(data.dataset->size(), 11u);  // the ten and the alias within
  EXPECT_NE(data.split_note.find("3 links"), std::string::npos) << data.split_note;
  EXPECT_NE(data.split_note.find("1 FIFOs"), std::string::npos) << data.split_note;
}

TEST(FolderHostile, AFileThatBecomesAFifoIsRefusedAtLoad) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 3);
  const DataSplits data = open_data(temp.path(), {});
  fs::remove(temp.path("a/100.png"));
  ASSERT_EQ(mkfifo(temp.path("a/100.png").c_str(), 0600), 0);
  EXPECT_NE(test::error_of(ErrorCode::data, [&] { data.dataset->load(0, 3); }).find("not a regular file"),
            std::string::npos);
  fs::remove(temp.path("a/100.png"));
  EXPECT_NE(test::error_of(ErrorCode::data, [&] { data.dataset->load(0, 3); }).find("a/100.png"),
            std::string::npos);
}

TEST(FolderHostile, DepthIsLimited) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 3);
  std::string deep = "a";
  for (int i = 0; i < 20; i++) deep += "/d";
  test::write_picture(temp.path(deep + "/x.png"), 1);
  const DataSplits data = open_data(temp.path(), {});
  EXPECT_EQ(data.dataset->size(), 6u);
  EXPECT_NE(data.split_note.find("deeper than 16"), std::string::npos) << data.split_note;
}

TEST(DataErrors, EachMistakeHasOneLineThatSaysWhatToDo) {
  test::TempFolder temp;
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  };
  expect(data_error(temp.path("missing")), "no such file or folder");
  fs::create_directory(temp.path("empty"));
  expect(data_error(temp.path("empty")), "has no files; expected one folder of pictures for each class");
  test::write_picture(temp.path("loose/1.png"), 1);
  expect(data_error(temp.path("loose")), "has files but no class folders");
  test::write_class_folders(temp.path("one"), {"cat"}, 4);
  expect(data_error(temp.path("one")), "one class only ('cat')");
  test::write_bytes(temp.path("thing.bin"), {1, 2, 3});
  expect(data_error(temp.path("thing.bin")), "is no data set");
  ASSERT_EQ(mkfifo(temp.path("pipe").c_str(), 0600), 0);
  expect(data_error(temp.path("pipe")), "is no data set");

  test::write_class_folders(temp.path("more/train"), {"cat", "dog"}, 3);
  test::write_class_folders(temp.path("more/val"), {"cat", "dot"}, 3);
  expect(data_error(temp.path("more")), "'dot', which train lacks; did you mean 'dog'?");

  test::write_class_folders(temp.path("dull/train"), {"cat", "dog"}, 3);
  test::write_class_folders(temp.path("dull/val"), {"dog"}, 3);
  expect(data_error(temp.path("dull")), "the validation set has 3 pictures and one class only ('dog')");
  test::write_class_folders(temp.path("tiny"), {"cat", "dog"}, 1);
  expect(data_error(temp.path("tiny"), {.val_split = 0.5}), "one class only");
  test::error_of(ErrorCode::usage, [&] { open_data(temp.path("more"), {.val_split = 1.5}); });
}

TEST(DataErrors, ControlBytesInNamesAreShownAsText) {
  test::TempFolder temp;
  EXPECT_NE(data_error(temp.path("x\x1b[2Jy")).find("\\x1b[2Jy"), std::string::npos);
}

}  // namespace
}  // namespace gabor
