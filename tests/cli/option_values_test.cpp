#include "cli/option_values.h"

#include <gtest/gtest.h>

#include "gabor/error.h"

namespace gabor {
namespace {

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    return e.what();
  }
  return "accepted";
}

TEST(OptionValues, WholeNumbersAreWhole) {
  EXPECT_EQ(parse_whole("--n", "12", 1, 20), 12);
  EXPECT_EQ(parse_whole("--n", "-3", -5, 5), -3);
  for (const char* bad : {"", "0", "21", "1.5", "1e1", " 3", "3 ", "0x3", "99999999999999999999", "three"})
    EXPECT_EQ(refusal([&] { parse_whole("--n", bad, 1, 20); }),
              "--n: '" + std::string(bad) + "' is not valid; expected a whole number from 1 to 20");
}

TEST(OptionValues, NumbersAreFiniteAndInRange) {
  EXPECT_EQ(parse_number("--x", "0.25", 0, 1), 0.25);
  EXPECT_EQ(parse_number("--x", "1e-3", 0, 1), 0.001);
  EXPECT_EQ(parse_number("--x", "0", 0, 1), 0);
  for (const char* bad : {"nan", "inf", "-inf", "1.0001", "-0.1", "1,5", "", "1x"})
    EXPECT_NE(refusal([&] { parse_number("--x", bad, 0, 1); }), "accepted") << bad;
  EXPECT_EQ(refusal([] { parse_number("--lr", "0", 0, 10, true); }),
            "--lr: '0' is not valid; expected a number above 0, at most 10");
}

TEST(OptionValues, BytesHaveUnits) {
  EXPECT_EQ(parse_bytes("--vram", "0"), 0u);
  EXPECT_EQ(parse_bytes("--vram", "17"), 17u);
  EXPECT_EQ(parse_bytes("--vram", "3KiB"), 3072u);
  EXPECT_EQ(parse_bytes("--vram", "64 MiB"), size_t{64} << 20);
  EXPECT_EQ(parse_bytes("--vram", "1.5 GiB"), size_t{3} << 29);
  EXPECT_EQ(parse_bytes("--vram", "512MB"), 512'000'000u);
  EXPECT_EQ(parse_bytes("--vram", "2GB"), 2'000'000'000u);
  EXPECT_EQ(parse_bytes("--vram", "1048576GiB"), size_t{1} << 50);
  for (const char* bad :
       {"", "GB", "-1", "-1GB", "nanGB", "infGB", "2gb", "2GBs", "1e9GB", "2  GB", "1048577GiB"})
    EXPECT_EQ(
        refusal([&] { parse_bytes("--vram", bad); }),
        "--vram: '" + std::string(bad) + "' is not valid; expected a size such as 2GB, 512MB or 1.5GiB");
}

TEST(OptionValues, SizesAreHeightTimesWidth) {
  EXPECT_EQ(parse_size("--size", "96x128"), (ImageSize{96, 128}));
  EXPECT_EQ(parse_input("--input", "300x200x3"), (Shape{300, 200, 3}));
  for (const char* bad : {"96", "0x96", "96x", "x", "96X96", "96x-1", "96x96x3", "99999x9", "9.5x9"})
    EXPECT_NE(refusal([&] { parse_size("--size", bad); }), "accepted") << bad;
  EXPECT_NE(refusal([] { parse_input("--input", "96x96x7"); }), "accepted");
}

TEST(OptionValues, ChoicesOfferTheNearest) {
  EXPECT_EQ(parse_choice("--resize", "area", {"antialias", "linear", "area"}), "area");
  EXPECT_EQ(refusal([] {
              parse_choice("--resize", "liner", {"antialias", "linear", "area"});
            }),
            "--resize: unknown value 'liner'; did you mean 'linear'?");
  EXPECT_EQ(refusal([] {
              parse_choice("--resize", "qqqqqqqqqqq", {"linear", "area"});
            }),
            "--resize: unknown value 'qqqqqqqqqqq'; known: linear, area");
}

}  // namespace
}  // namespace gabor
