#include <gtest/gtest.h>

#include <cstring>

#include "data/dataset.h"
#include "data/fixture.h"

namespace gabor {
namespace {

using test::Bytes;
using test::operator+;

Bytes png(uint32_t seed) { return test::encode(test::picture(12, 16, 3, seed), ".png"); }

std::string data_error(const std::string& path) {
  return test::error_of(ErrorCode::data, [&] { open_data(path, {}); });
}

Bytes four_members(const std::string& prefix) {
  return test::tar_member(prefix + "b/2.png", png(3)) + test::tar_member(prefix + "a/1.png", png(0)) +
         test::tar_member(prefix + "b/1.png", png(2)) + test::tar_member(prefix + "a/2.png", png(1));
}

void expect_four(const DataSplits& data) {
  ASSERT_EQ(data.dataset->size(), 4u);
  EXPECT_EQ(data.dataset->classes(), (std::vector<std::string>{"a", "b"}));
  for (uint32_t i = 0; i < 4; i++) {  // sorted by name, whatever their order in the archive
    EXPECT_EQ(data.dataset->label(i), int(i / 2));
    EXPECT_EQ(data.dataset->load(i, 3).pixels, test::picture(12, 16, 3, i).pixels) << i;
  }
}

TEST(Tar, IsReadInPlaceWhateverTheOrderOfMembers) {
  test::TempFolder temp;
  for (const char* prefix : {"", "./", "set/", "./set/"}) {
    test::write_bytes(temp.path("x.tar"), test::tar_member(std::string(prefix) + "a/", {}, '5') +
                                              four_members(prefix) + test::tar_end());
    expect_four(open_data(temp.path("x.tar"), {.val_split = 0.5}));
  }
}

TEST(Tar, FolderAndTarOfItAreTheSameData) {
  test::TempFolder temp;
  for (uint32_t i = 0; i < 4; i++)
    test::write_picture(temp.path(std::string(i < 2 ? "f/a/" : "f/b/") + (i % 2 ? "2.png" : "1.png")), i);
  test::write_bytes(temp.path("f.tar"), four_members("f/") + test::tar_end());
  const SplitOptions options{.val_split = 0.5};
  EXPECT_EQ(open_data(temp.path("f"), options).fingerprint,
            open_data(temp.path("f.tar"), options).fingerprint);
}

TEST(Tar, LongNamesOfGnuAndPax) {
  test::TempFolder temp;
  const std::string long_part(180, 'x');
  const auto text = [](const std::string& s) { return Bytes(s.begin(), s.end()); };
  const std::string gnu = "a/" + long_part + "1.png", pax = "b/" + long_part + "3.png";
  const std::string record_end = " path=" + pax + "\n";
  const std::string record = std::to_string(record_end.size() + 3) + record_end;
  ASSERT_EQ(record.size(), record_end.size() + 3);
  const Bytes archive = test::tar_member("././@LongLink", text(gnu + '\0'), 'L') +
                        test::tar_member(gnu.substr(0, 99), png(0)) + test::tar_member("a/y.png", png(1)) +
                        test::tar_member("pax_global", text("19 comment=whatever\n"), 'g') +
                        test::tar_member("PaxHeaders/3", text(record), 'x') +
                        test::tar_member("short", png(2)) + test::tar_member("b/y.png", png(3)) +
                        test::tar_end();
  test::write_bytes(temp.path("x.tar"), archive);
  const DataSplits data = open_data(temp.path("x.tar"), {.val_split = 0.5});
  ASSERT_EQ(data.dataset->size(), 4u);
  EXPECT_EQ(data.dataset->name(0), gnu);
  EXPECT_EQ(data.dataset->name(2), pax);
  EXPECT_EQ(data.dataset->load(2, 3).pixels, test::picture(12, 16, 3, 2).pixels);
}

TEST(Tar, ALaterMemberReplacesTheEarlierAndLinksAreLeftOut) {
  test::TempFolder temp;
  Bytes archive = test::tar_member("a/1.png", png(9)) + four_members("") +
                  test::tar_member("a/link.png", {}, '2') + test::tar_end();
  test::write_bytes(temp.path("x.tar"), archive);
  const DataSplits data = open_data(temp.path("x.tar"), {.val_split = 0.5});
  expect_four(data);
  EXPECT_NE(data.split_note.find("1 links or special files"), std::string::npos) << data.split_note;
}

TEST(TarHostile, DamageIsNamed) {
  test::TempFolder temp;
  const Bytes good = four_members("") + test::tar_end();
  const auto error_with = [&](const Bytes& bytes) {
    test::write_bytes(temp.path("x.tar"), bytes);
    return data_error(temp.path("x.tar"));
  };
  EXPECT_NE(error_with(Bytes(good.begin(), good.end() - 1100)).find("cut short"), std::string::npos);
  EXPECT_NE(error_with(Bytes(good.begin(), good.end() - 1024)).find("no end mark"), std::string::npos);
  Bytes damaged = good;
  const size_t second = 512 + (png(3).size() + 511) / 512 * 512;
  damaged[second + 5] ^= 1;
  EXPECT_NE(error_with(damaged).find("damaged at byte " + std::to_string(second)), std::string::npos);
  EXPECT_NE(error_with(test::gzip(good)).find("gunzip"), std::string::npos);
  EXPECT_NE(error_with(test::tar_member("p", Bytes{'9', '9', '9', ' ', 'x', '=', 'y', '\n'}, 'x') + good)
                .find("damaged"),
            std::string::npos);
  Bytes huge = test::tar_member("a/1.png", png(0));
  std::memcpy(&huge[124], "77777777777", 11);  // 8 GiB in a small file; the checksum is set right again
  std::memset(&huge[148], ' ', 8);
  unsigned sum = 0;
  for (size_t i = 0; i < 512; i++) sum += huge[i];
  std::snprintf(reinterpret_cast<char*>(&huge[148]), 7, "%06o", sum);
  EXPECT_NE(error_with(huge + good).find("cut short"), std::string::npos);
}

TEST(Csv, WithAndWithoutHeaderQuotesAndLineEnds) {
  test::TempFolder temp;
  test::write_picture(temp.path("pics/one.png"), 0);
  test::write_picture(temp.path("pics/two, \"three\".png"), 1);
  const std::string first = "pics/one.png,cat\n", second = "\"pics/two, \"\"three\"\".png\",\"dog\"";
  for (const std::string& text : std::vector<std::string>{
           first + second, first + second + "\r\n\r\n", "path,label\n" + first + second + "\n",
           "\xEF\xBB\xBF"
           "Label,Filename\ncat,pics/one.png\ndog,\"pics/two, \"\"three\"\".png\"\n"}) {
    test::write_bytes(temp.path("list.csv"), Bytes(text.begin(), text.end()));
    const DataSplits data = open_data(temp.path("list.csv"), {.val_split = 0});
    ASSERT_EQ(data.dataset->size(), 2u) << text;
    EXPECT_EQ(data.dataset->classes(), (std::vector<std::string>{"cat", "dog"}));
    EXPECT_EQ(data.dataset->label(1), 1);
    EXPECT_EQ(data.dataset->load(1, 3).pixels, test::picture(12, 16, 3, 1).pixels);
  }
}

TEST(Csv, MistakesAreNamedByLine) {
  test::TempFolder temp;
  const auto error_with = [&](const std::string& text) {
    test::write_bytes(temp.path("list.csv"), Bytes(text.begin(), text.end()));
    return data_error(temp.path("list.csv"));
  };
  EXPECT_NE(error_with("").find("lists no pictures"), std::string::npos);
  EXPECT_NE(error_with("path,label\n").find("lists no pictures"), std::string::npos);
  EXPECT_NE(error_with("a.png,cat\nb.png\n").find("line 2: 1 fields"), std::string::npos);
  EXPECT_NE(error_with("a.png,cat\nb.png,dog,3\n").find("line 2: 3 fields"), std::string::npos);
  EXPECT_NE(error_with("a.png,cat\nb.png,\n").find("line 2: an empty field"), std::string::npos);
  EXPECT_NE(error_with("a.png,cat\n\"b.png,dog\n").find("line 2: a quote is not closed"), std::string::npos);
  EXPECT_NE(error_with("a.png,cat\n\"b\"x,dog\n").find("line 2: text after"), std::string::npos);
  EXPECT_NE(error_with("a.png,cat\nb.png,cat\n").find("one class only"), std::string::npos);
}

}  // namespace
}  // namespace gabor
