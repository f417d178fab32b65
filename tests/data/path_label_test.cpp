#include "data/path_label.h"

#include <gtest/gtest.h>

namespace gabor {
namespace {

TEST(PathLabel, TheLastPartThatNamesAClassDecides) {
  const std::vector<std::string> classes = {"cat", "dog", "hot dog", "7"};
  EXPECT_EQ(class_named_by("train/cat/17.jpg", classes), 0);
  EXPECT_EQ(class_named_by("cat/dog.17.jpg", classes), 1);
  EXPECT_EQ(class_named_by("cat/Dog_17.JPG", classes), 1);
  EXPECT_EQ(class_named_by("dog/catalogue.jpg", classes), 1);  // a word, not its beginning
  EXPECT_EQ(class_named_by("cat/dog and cat.jpg", classes), -1);
  EXPECT_EQ(class_named_by("hot dog/1.jpg", classes), -1);  // names "dog" too
  EXPECT_EQ(class_named_by("cat/7.jpg", classes), 0);       // a running number
  EXPECT_EQ(class_named_by("7/1.jpg", classes), 3);
  EXPECT_EQ(class_named_by("train-images #7", classes), -1);
  EXPECT_EQ(class_named_by("", classes), -1);
}

TEST(PathLabel, LettersOfOtherScriptsBoundNoWord) {
  EXPECT_EQ(class_named_by("x/\xC3\xA9"
                           "cat.jpg",
                           {"cat", "x"}),
            1);
}

}  // namespace
}  // namespace gabor
