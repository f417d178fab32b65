#include "cli/augment_option.h"

#include <gtest/gtest.h>

#include "gabor/error.h"

namespace gabor {
namespace {

AugmentSpec parsed(const std::string& text, AugmentSpec spec = {}) {
  parse_augment("--augment", text, spec);
  return spec;
}

TEST(AugmentOption, NamesAloneHaveTheirUsualValues) {
  const AugmentSpec s = parsed("cutmix,mixup,erase,color,rand,flip,translate,crop");
  EXPECT_EQ(s, (AugmentSpec{.crop = {0.35, 1},
                            .translate = 4,
                            .flip = true,
                            .rand = {.ops = 2, .magnitude = 9},
                            .color = 0.2,
                            .erase = 0.25,
                            .mixup = 0.2,
                            .cutmix = 1}));
  EXPECT_EQ(augment_text(s), "crop:0.35-1,translate:4,flip,rand:2x9,color:0.2,erase:0.25,mixup:0.2,cutmix:1");
}

TEST(AugmentOption, ValuesAreReadAndWrittenBack) {
  for (const char* text :
       {"none", "flip", "crop:0.5-0.75", "translate:1024", "rand:10x1", "color:1", "erase:0.125",
        "mixup:0.333", "cutmix:0.5", "crop:0.01-1,translate:3,flip,rand:1x10,color:0.05,erase:1"})
    EXPECT_EQ(augment_text(parsed(text)), text);
  EXPECT_EQ(parsed("crop:0.4").crop, (AugmentSpec::Crop{0.4, 1}));
}

TEST(AugmentOption, NoStrengthIsNone) {
  EXPECT_EQ(parsed("crop:1,translate:0,color:0,erase:0"), AugmentSpec{});
}

TEST(AugmentOption, AddsToWhatIsThereUnlessItSaysNone) {
  const AugmentSpec flip = parsed("flip,color:0.1");
  EXPECT_EQ(augment_text(parsed("crop,color:0.4", flip)), "crop:0.35-1,flip,color:0.4");
  EXPECT_EQ(parsed("none", flip), AugmentSpec{});
}

TEST(AugmentOption, WhatIsNoValueIsRefused) {
  for (const char* text :
       {"",          "flip,",        "Flip",          "crop:",     "crop:0",   "crop:0.7-0.6",
        "crop:-",    "translate:-1", "translate:1.5", "rand:0x5",  "rand:2x0", "rand:2x9x1",
        "color:1.1", "erase:nan",    "erase:0.5:1",   "mixup:0.3", "mixup:2",  "cutmix:0.05",
        "cutmix:-1", "none,flip"})
    EXPECT_THROW(parsed(text), Error) << text;
}

}  // namespace
}  // namespace gabor
