#include "cli/matched_dataset.h"

#include <gtest/gtest.h>

#include "gabor/error.h"

namespace gabor {
namespace {

// Three pictures of the classes given, in order.
class FakeDataset : public Dataset {
 public:
  explicit FakeDataset(std::vector<std::string> classes) { classes_ = std::move(classes); }
  size_t size() const override { return classes_.size(); }
  int label(size_t i) const override { return int(i); }
  std::string name(size_t i) const override { return classes_[i] + ".jpg"; }
  int channels() const override { return 1; }
  std::optional<ImageSize> native_size() const override { return ImageSize{1, 1}; }
  void load_into(size_t i, int channels, Image& image) const override {
    image.reshape(1, 1, channels);
    image.pixels[0] = uint8_t(i);
  }
  std::vector<uint8_t> bytes(size_t i) const override { return {uint8_t(i)}; }
};

TEST(MatchClasses, GoesByNameAndNeverByOrder) {
  const auto data = std::make_shared<FakeDataset>(std::vector<std::string>{"owl", "cat"});
  const auto matched = match_classes(data, {"cat", "dog", "owl"}, "photos");
  EXPECT_EQ(matched->classes(), (std::vector<std::string>{"cat", "dog", "owl"}));
  EXPECT_EQ(matched->label(0), 2);
  EXPECT_EQ(matched->label(1), 0);
  EXPECT_EQ(matched->name(1), "cat.jpg");
  EXPECT_EQ(matched->load(1, 1).pixels[0], 1);
  EXPECT_EQ(matched->native_size(), (ImageSize{1, 1}));
}

TEST(MatchClasses, RefusesAClassTheModelDoesNotKnow) {
  const auto data = std::make_shared<FakeDataset>(std::vector<std::string>{"cat", "lynx"});
  try {
    match_classes(data, {"cat", "dog"}, "photos");
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
    EXPECT_STREQ(e.what(), "photos: has a class 'lynx' that the model does not know; it knows: cat, dog");
  }
}

}  // namespace
}  // namespace gabor
