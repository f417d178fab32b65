#include "data/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/fixture.h"

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

}  // namespace
}  // namespace gabor
