#include "train/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "model/nets.h"
#include "temp_folder.h"

namespace gabor {
namespace {

using testing::error_of;

SafeTensors sample() {
  SafeTensors f;
  f.metadata["who"] = "gabor \"quoted\" \xc3\xa9";
  f.tensors.push_back({"a.weight", {2, 3}, {1, 2, 3, 4, 5, 6}});
  f.tensors.push_back({"b", {}, {7}});
  f.tensors.push_back({"empty", {0, 4}, {}});
  return f;
}

std::vector<uint8_t> file_of(const std::string& header, size_t data_bytes) {
  std::vector<uint8_t> out(8 + header.size() + data_bytes);
  const uint64_t n = header.size();
  std::memcpy(out.data(), &n, 8);
  std::memcpy(out.data() + 8, header.data(), n);
  return out;
}

std::string refusal(const std::vector<uint8_t>& bytes) {
  return error_of([&] { decode_safetensors(bytes, "f"); });
}

TEST(SafeTensors, RoundTrip) {
  const SafeTensors in = sample(), out = decode_safetensors(encode_safetensors(in), "f");
  EXPECT_EQ(out.metadata.at("who"), in.metadata.at("who"));
  ASSERT_EQ(out.tensors.size(), in.tensors.size());
  for (const SafeTensor& t : in.tensors) {
    ASSERT_NE(out.find(t.name), nullptr);
    EXPECT_EQ(out.find(t.name)->data, t.data);
    EXPECT_EQ(out.find(t.name)->shape, t.shape);
  }
}

// RELIABILITY 6: the attacks of the format's audit, each refused with its reason and before any allocation.
TEST(SafeTensors, RefusesHostileFiles) {
  const std::string t = "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]";
  std::vector<uint8_t> huge(16, 0xff);
  EXPECT_NE(refusal(huge).find("cut short"), std::string::npos);
  EXPECT_NE(refusal({}).find("too short"), std::string::npos);
  EXPECT_NE(refusal(file_of("[1,2]", 0)).find("does not begin with '{'"), std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":", 0)).find("not valid JSON"), std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{" + t + "},\"a\":{" + t + "}}", 8)).find("stands twice"),
            std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{" + t + "}}", 4)).find("does not match its bytes"), std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{" + t + "}}", 12)).find("does not match its header"), std::string::npos);
  EXPECT_NE(
      refusal(
          file_of("{\"a\":{" + t + "},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12))
          .find("hole or an overlap"),
      std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 16))
                .find("hole or an overlap"),
            std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8))
                .find("no count"),
            std::string::npos);
  EXPECT_NE(
      refusal(
          file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8))
          .find("too large"),
      std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8))
                .find("does not match its bytes"),
            std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8))
                .find("only F32 is read"),
            std::string::npos);
  EXPECT_NE(refusal(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", 8))
                .find("more than 4 dimensions"),
            std::string::npos);
  EXPECT_NE(refusal(file_of("{\"__metadata__\":{\"a\":1}}", 0)).find("no text"), std::string::npos);
  EXPECT_NE(
      refusal(file_of("{\"__metadata__\":{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}}", 0)).find("nested too deep"),
      std::string::npos);
}

// RELIABILITY C4: every truncation, every flipped header bit and many flipped payload bits are noticed.
TEST(SafeTensors, TornAndFlippedFilesAreNoticed) {
  const std::vector<uint8_t> good = encode_safetensors(sample());
  for (size_t n = 0; n < good.size(); n++)
    EXPECT_NE(refusal({good.begin(), good.begin() + long(n)}), "") << n;
  const SafeTensors expected = decode_safetensors(good, "f");
  for (size_t bit = 0; bit < good.size() * 8; bit++) {
    std::vector<uint8_t> bad = good;
    bad[bit / 8] ^= uint8_t(1 << bit % 8);
    SafeTensors read;
    // A flipped bit in a name or in foreign metadata is a sound file that says something else; it never reads
    // the same.
    if (error_of([&] { read = decode_safetensors(bad, "f"); }) != "") continue;
    bool same = read.metadata == expected.metadata && read.tensors.size() == expected.tensors.size();
    for (size_t i = 0; same && i < read.tensors.size(); i++)
      same = read.tensors[i].name == expected.tensors[i].name &&
             read.tensors[i].data == expected.tensors[i].data &&
             read.tensors[i].shape == expected.tensors[i].shape;
    EXPECT_FALSE(same) << "bit " << bit;
  }
}

TEST(SafeTensors, RandomBytesNeverCrash) {
  const std::vector<uint8_t> good = encode_safetensors(sample());
  Random random({3, Purpose::test, 0, 0});
  for (int i = 0; i < 20000; i++) {
    std::vector<uint8_t> bad = good;
    for (uint32_t k = 0; k < 1 + random.below(8); k++)
      bad[random.below(uint32_t(bad.size()))] = uint8_t(random.below(256));
    refusal(bad);
  }
}

TEST(AtomicFile, ReplacesOrKeepsTheOldFile) {
  namespace fs = std::filesystem;
  const testing::TempFolder temp;
  const std::string& folder = temp.path();
  const std::string path = folder + "/x.safetensors";
  write_atomically(path, encode_safetensors(sample()));
  EXPECT_EQ(read_safetensors(path).tensors.size(), 3u);
  write_atomically(path, encode_safetensors({}));
  EXPECT_EQ(read_safetensors(path).tensors.size(), 0u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);  // no temporary left
  const std::string message = error_of([&] { write_atomically(folder + "/none/x", {}); });
  EXPECT_NE(message.find("cannot create it: No such file or directory"), std::string::npos) << message;
  // A folder in the way: the rename fails and what was there stays.
  fs::create_directories(folder + "/busy.safetensors/inside");
  EXPECT_NE(error_of([&] {
              write_atomically(folder + "/busy.safetensors", {});
            }).find("cannot replace the old file"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(folder + "/busy.safetensors/inside"));
  EXPECT_FALSE(fs::exists(folder + "/busy.safetensors.gabor-tmp"));
}

}  // namespace
}  // namespace gabor
