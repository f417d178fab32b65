#include "data/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "core/parallel.h"
#include "data/contact_sheet.h"
#include "data/decode.h"
#include "data/fixture.h"
#include "data/resize.h"

namespace gabor {
namespace {

bool has(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& l) { return l.find(part) != std::string::npos; });
}

TEST(Doctor, AHealthySetHasNothingToReport) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("train"), {"a", "b"}, 20);
  for (int i = 0; i < 4; i++)
    test::write_picture(temp.path((i < 2 ? "val/a/" : "val/b/") + std::to_string(i) + ".png"),
                        uint32_t(900 + i), 30, 50);
  const DataReport r = examine(open_data(temp.path(), {}));
  EXPECT_TRUE(r.ok());
  EXPECT_TRUE(r.warnings.empty()) << r.warnings[0];
  EXPECT_EQ(r.parts[0].per_class, (std::vector<int64_t>{20, 20}));
  EXPECT_EQ(r.parts[1].total, 4);
  EXPECT_EQ(r.decoded, 44);
  EXPECT_EQ(r.width.min, 16);
  EXPECT_EQ(r.width.max, 50);
  EXPECT_EQ(r.height.median, 12);
  EXPECT_EQ(r.imbalance, 1);
}

TEST(Doctor, DuplicatesAcrossPartsAndClassesAreNamed) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("train"), {"a", "b"}, 20);
  test::write_picture(temp.path("val/a/copy.png"), 0);   // = train/a/100.png
  test::write_picture(temp.path("val/b/other.png"), 1);  // = train/a/101.png, in another class
  test::write_picture(temp.path("train/b/same.png"), 25);
  const DataReport r = examine(open_data(temp.path(), {}));
  EXPECT_TRUE(r.ok());
  ASSERT_EQ(r.duplicates.size(), 3u);
  EXPECT_EQ(r.duplicates[0].second, "val/b/other.png");
  EXPECT_TRUE(r.duplicates[0].across_parts && r.duplicates[0].labels_differ);
  EXPECT_FALSE(r.duplicates[2].across_parts);
  EXPECT_TRUE(has(r.warnings, "2 pictures are in two parts of the split"));
  EXPECT_TRUE(has(r.warnings, "1 pictures are in two classes at once"));
}

TEST(Doctor, UnreadableFilesAreAWarningThenAnError) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 40);
  test::write_bytes(temp.path("a/bad.png"), {'x'});
  DataReport r = examine(open_data(temp.path(), {}));
  ASSERT_EQ(r.unreadable.size(), 1u);
  EXPECT_EQ(r.unreadable[0].name, "a/bad.png");
  EXPECT_TRUE(r.ok());
  EXPECT_TRUE(has(r.warnings, "1 of 81 files cannot be read"));
  for (int i = 0; i < 4; i++) test::write_bytes(temp.path("b/bad" + std::to_string(i) + ".png"), {'x'});
  r = examine(open_data(temp.path(), {}));
  EXPECT_FALSE(r.ok());
  EXPECT_TRUE(has(r.errors, "5 of 85 files cannot be read"));
}

TEST(Doctor, UnevenSmallBlankAndMissing) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("train"), {"a"}, 60);
  test::write_class_folders(temp.path("train"), {"b", "c"}, 5);
  test::write_class_folders(temp.path("val"), {"a", "b"}, 2);
  Image blank;
  blank.reshape(20, 20, 3);
  test::write_bytes(temp.path("train/a/blank.png"), test::encode(blank, ".png"));
  const DataReport r = examine(open_data(temp.path(), {}));
  EXPECT_DOUBLE_EQ(r.imbalance, 61.0 / 5);
  EXPECT_TRUE(has(r.warnings, "classes are uneven: 'a' has 61 pictures"));
  EXPECT_TRUE(has(r.warnings, "'b' has 5 training pictures only"));
  EXPECT_TRUE(has(r.warnings, "val has no picture of the class 'c'"));
  EXPECT_TRUE(has(r.warnings, "1 pictures are of one colour throughout"));
  EXPECT_EQ(r.blank, 1);
}

TEST(Doctor, OneClassSplitsAreErrorsEvenWhenMadeByHand) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 30);
  DataSplits data = open_data(temp.path(), {});
  std::erase_if(data.val, [&](uint32_t i) { return data.dataset->label(i) == 0; });
  EXPECT_TRUE(has(examine(data).errors, "val has pictures of one class only"));
  data.val.clear();
  const DataReport r = examine(data, {.decode = false});
  EXPECT_EQ(r.decoded, 0);
  EXPECT_TRUE(has(r.warnings, "there is no validation set"));
  std::erase_if(data.train, [&](uint32_t i) { return data.dataset->label(i) == 0; });
  EXPECT_TRUE(has(examine(data).errors, "train has pictures of one class only"));
}

TEST(Doctor, NearDuplicatesAreReportedButNotRemoved) {
  test::TempFolder temp;
  test::write_class_folders(temp.path("train"), {"a", "b"}, 20);
  const Image picture = test::picture(60, 80, 3, 400);
  test::write_bytes(temp.path("train/a/big.png"), test::encode(picture, ".png"));
  test::write_bytes(temp.path("val/b/reencoded.jpg"), test::encode(picture, ".jpg"));
  test::write_picture(temp.path("val/a/other.png"), 903, 30, 50);
  const DataReport r = examine(open_data(temp.path(), {}));
  EXPECT_TRUE(r.duplicates.empty());
  ASSERT_EQ(r.near_duplicates.size(), 1u);
  EXPECT_EQ(r.near_duplicates[0].first, "train/a/big.png");
  EXPECT_EQ(r.near_duplicates[0].second, "val/b/reencoded.jpg");
  EXPECT_TRUE(r.near_duplicates[0].across_parts && r.near_duplicates[0].labels_differ);
  EXPECT_TRUE(has(r.warnings, "1 pictures seem to be in two parts of the split"));
  EXPECT_TRUE(has(r.warnings, "1 pictures seem to be in two classes at once"));
  EXPECT_TRUE(names_to_remove(r).empty());
}

TEST(Doctor, RemovesCopiesConflictsAndTheUnreadable) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 20);
  test::write_picture(temp.path("a/copy.png"), 0);      // = a/100.png
  test::write_picture(temp.path("b/conflict.png"), 1);  // = a/101.png
  test::write_bytes(temp.path("b/bad.png"), {'x'});
  const DataReport r = examine(open_data(temp.path(), {.val_split = 0}));
  EXPECT_EQ(names_to_remove(r),
            (std::vector<std::string>{"a/101.png", "a/copy.png", "b/bad.png", "b/conflict.png"}));
}

TEST(Doctor, AFileThatIsListedTwiceIsNotRemovedForThat) {
  test::TempFolder temp;
  std::string lines;
  for (uint32_t i = 0; i < 8; i++) {
    const std::string name = std::to_string(i) + ".png";
    test::write_picture(temp.path(name), i);
    lines += name + (i < 4 ? ",a\n" : ",b\n");
  }
  lines += "0.png,a\n5.png,a\n";
  test::write_bytes(temp.path("list.csv"), {lines.begin(), lines.end()});
  const DataReport r = examine(open_data(temp.path("list.csv"), {.val_split = 0}));
  EXPECT_EQ(r.duplicates.size(), 2u);
  EXPECT_EQ(names_to_remove(r),
            std::vector<std::string>{"5.png"});  // two labels: nobody knows which is right
}

TEST(Doctor, PathsThatNameAnotherClassAreListed) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"cat", "dog"}, 20);
  test::write_picture(temp.path("cat/dog.5.png"), 300);
  const DataReport r = examine(open_data(temp.path(), {}), {.decode = false});
  ASSERT_EQ(r.path_conflicts.size(), 1u);
  EXPECT_EQ(r.path_conflicts[0].name, "cat/dog.5.png");
  EXPECT_EQ(r.classes[size_t(r.path_conflicts[0].named)], "dog");
  EXPECT_TRUE(has(r.warnings, "'cat/dog.5.png' is labelled 'cat'"));
}

TEST(Doctor, TellsWhatAResizeDoes) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 20);  // 12 x 16
  for (int i = 0; i < 6; i++)
    test::write_picture(temp.path("a/wide" + std::to_string(i) + ".png"), uint32_t(300 + i), 20, 80);
  const DataSplits data = open_data(temp.path(), {});
  ResizeLoss loss = examine(data, {.size = {12, 16}}).resize;
  EXPECT_DOUBLE_EQ(loss.stretch_median, 1);
  EXPECT_DOUBLE_EQ(loss.stretch_max, 3);
  EXPECT_EQ(loss.most_stretched.substr(0, 6), "a/wide");
  EXPECT_EQ(loss.stretched, 6);
  EXPECT_EQ(loss.enlarged, 0);
  EXPECT_DOUBLE_EQ(loss.kept_median, 1);
  const DataReport square = examine(data, {.size = {8, 8}});
  EXPECT_DOUBLE_EQ(square.resize.stretch_median, 4.0 / 3);
  EXPECT_DOUBLE_EQ(square.resize.kept_median, 64.0 / 192);
  EXPECT_TRUE(has(square.warnings, "6 of 46 pictures are stretched by more than 1.5 when resized to 8x8"));
  EXPECT_EQ(examine(data, {.size = {13, 10}}).resize.enlarged, 40);
}

TEST(Doctor, ReportAndSheetDoNotDependOnThreadsAndLeaveTheDataAlone) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b", "c"}, 15);
  test::write_picture(temp.path("a/copy.png"), 20);
  test::write_bytes(temp.path("c/bad.png"), {'x'});
  const std::string before = test::hex_hash(temp.path());
  const DataSplits data = open_data(temp.path(), {});
  std::vector<std::string> warnings;
  std::vector<uint8_t> sheet;
  const int threads = max_threads();
  for (int n : {1, 2, 7}) {
    set_max_threads(n);
    const DataReport r = examine(data);
    const std::vector<uint8_t> png = contact_sheet(data, r);
    if (n == 1) warnings = r.warnings, sheet = png;
    EXPECT_EQ(r.warnings, warnings) << n;
    EXPECT_EQ(png, sheet) << n;
  }
  set_max_threads(threads);
  EXPECT_EQ(test::hex_hash(temp.path()), before);
}

TEST(Doctor, ProgressIsToldOnTheCallersThread) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 40);
  int64_t calls = 0, of = 0;
  bool elsewhere = false;
  const auto caller = std::this_thread::get_id();
  examine(open_data(temp.path(), {}), {.progress = [&](int64_t, int64_t total) {
            calls++, of = total, elsewhere |= std::this_thread::get_id() != caller;
          }});
  EXPECT_GT(calls, 0);
  EXPECT_EQ(of, 80);
  EXPECT_FALSE(elsewhere);
}

TEST(ContactSheet, ShowsClassesAndPairs) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 20);
  const DataSplits clean = open_data(temp.path(), {});
  const SheetOptions options{.columns = 4, .tile = 40};
  const Image without = decode(contact_sheet(clean, examine(clean), options), "sheet", 3);
  EXPECT_EQ(without.width, 4 * 44 + 4);
  EXPECT_EQ(without.height, 2 * (24 + 44));
  test::write_picture(temp.path("b/conflict.png"), 1);  // = a/101.png
  const DataSplits dirty = open_data(temp.path(), {});
  const Image with = decode(contact_sheet(dirty, examine(dirty), options), "sheet", 3);
  EXPECT_EQ(with.height, without.height + 24 + 40 + 2 * 16 + 2 * 4);
  const uint8_t* bar = with.row(without.height + 24 + 42) + 3 * 10;
  EXPECT_GT(bar[0], 200);  // red: labels differ
  EXPECT_LT(bar[1], 60);
  // the first tile of the first row is a/100.png, centred: 40 x 30 pixels
  Image expected;
  expected.reshape(30, 40, 3);
  resize(test::picture(12, 16, 3, 0), 30, 40, Resize::antialias, expected.pixels.data());
  EXPECT_TRUE(std::equal(expected.row(7), expected.row(8), with.row(24 + 5 + 7) + 3 * 4));
}

}  // namespace
}  // namespace gabor
