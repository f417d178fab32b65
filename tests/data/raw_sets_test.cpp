#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/fixture.h"

namespace gabor {
namespace {

using test::big_endian;
using test::Bytes;
using test::operator+;

constexpr int kSide = 5;

Bytes idx_images(int count) {
  Bytes bytes = Bytes{0, 0, 8, 3} + big_endian(uint32_t(count)) + big_endian(kSide) + big_endian(kSide);
  for (int i = 0; i < count * kSide * kSide; i++) bytes.push_back(uint8_t(i * 7));
  return bytes;
}
Bytes idx_labels(int count, int classes) {
  Bytes bytes = Bytes{0, 0, 8, 1} + big_endian(uint32_t(count));
  for (int i = 0; i < count; i++) bytes.push_back(uint8_t(i % classes));
  return bytes;
}

TEST(Idx, PlainAndGzip) {
  for (const bool packed : {false, true}) {
    test::TempFolder temp;
    const auto write = [&](const std::string& name, const Bytes& bytes) {
      test::write_bytes(temp.path(name + (packed ? ".gz" : "")), packed ? test::gzip(bytes) : bytes);
    };
    write("train-images-idx3-ubyte", idx_images(40));
    write("train-labels-idx1-ubyte", idx_labels(40, 4));
    write("t10k-images-idx3-ubyte", idx_images(8));
    write("t10k-labels-idx1-ubyte", idx_labels(8, 4));
    const DataSplits data = open_data(temp.path(), {.val_split = 0.3});
    EXPECT_EQ(data.train.size(), 28u);
    EXPECT_EQ(data.val.size(), 12u);
    EXPECT_EQ(data.test.size(), 8u);
    EXPECT_EQ(data.dataset->classes(), (std::vector<std::string>{"0", "1", "2", "3"}));
    EXPECT_EQ(data.dataset->channels(), 1);
    EXPECT_EQ(data.dataset->native_size(), (ImageSize{kSide, kSide}));
    const Image image = data.dataset->load(2, 1);
    for (size_t i = 0; i < 25; i++) EXPECT_EQ(image.pixels[i], uint8_t((50 + i) * 7));
    EXPECT_EQ(data.dataset->label(2), 2);
    EXPECT_EQ(data.dataset->name(41), "t10k-images #1");
    const Image rgb = data.dataset->load(2, 3);
    EXPECT_EQ(rgb.pixels[3 * 24 + 1], image.pixels[24]);
  }
}

TEST(Idx, DamageIsNamed) {
  test::TempFolder temp;
  const std::string images = temp.path("train-images-idx3-ubyte"),
                    labels = temp.path("train-labels-idx1-ubyte");
  const auto error = [&] { return test::error_of(ErrorCode::data, [&] { open_data(temp.path(), {}); }); };
  test::write_bytes(images, idx_images(4));
  EXPECT_NE(error().find("lacks train-labels-idx1"), std::string::npos);
  test::write_bytes(labels, idx_labels(3, 3));
  EXPECT_NE(error().find("4 pictures but there are 3 labels"), std::string::npos);
  Bytes cut = idx_images(4);
  cut.pop_back();
  test::write_bytes(images, cut);
  EXPECT_NE(error().find("holds 99 bytes of values, its header says 100"), std::string::npos);
  test::write_bytes(images, Bytes{0, 0, 13, 3} + idx_images(4));
  EXPECT_NE(error().find("is no idx file"), std::string::npos);
  test::write_bytes(
      images, Bytes{0, 0, 8, 3} + big_endian(0xFFFFFFFF) + big_endian(0xFFFFFFFF) + big_endian(0xFFFFFFFF));
  EXPECT_NE(error().find("impossible dimension"), std::string::npos);
  Bytes packed = test::gzip(idx_images(4));
  packed.resize(packed.size() - 9);
  test::write_bytes(images, packed);
  EXPECT_NE(error().find("gzip file is damaged"), std::string::npos);
}

Bytes cifar_records(int count) {
  Bytes bytes;
  for (int i = 0; i < count; i++) {
    bytes.push_back(uint8_t(i % 10));
    for (int plane = 0; plane < 3; plane++)
      for (int p = 0; p < 1024; p++) bytes.push_back(uint8_t(plane * 80 + i + p % 32));
  }
  return bytes;
}

TEST(Cifar, PlanesBecomePixels) {
  test::TempFolder temp;
  test::write_bytes(temp.path("data_batch_1.bin"), cifar_records(20));
  test::write_bytes(temp.path("data_batch_2.bin"), cifar_records(20));
  test::write_bytes(temp.path("test_batch.bin"), cifar_records(10));
  const DataSplits data = open_data(temp.path(), {.val_split = 0.5});
  EXPECT_EQ(data.train.size(), 20u);
  EXPECT_EQ(data.val.size(), 20u);
  EXPECT_EQ(data.test.size(), 10u);
  EXPECT_EQ(data.dataset->classes().size(), 10u);
  EXPECT_EQ(data.dataset->native_size(), (ImageSize{32, 32}));
  EXPECT_EQ(data.dataset->label(23), 3);
  const Image image = data.dataset->load(23, 3);  // record 3 of batch 2
  EXPECT_EQ(image.row(4)[3 * 6 + 0], 3 + 6);
  EXPECT_EQ(image.row(4)[3 * 6 + 1], 80 + 3 + 6);
  EXPECT_EQ(image.row(4)[3 * 6 + 2], 160 + 3 + 6);
  EXPECT_EQ(data.dataset->name(23), "data_batch_2 #3");
}

TEST(Cifar, NamesComeFromMetaAndDamageIsNamed) {
  test::TempFolder temp;
  const auto error = [&] { return test::error_of(ErrorCode::data, [&] { open_data(temp.path(), {}); }); };
  const std::string meta = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";
  test::write_bytes(temp.path("data_batch_1.bin"), cifar_records(40));
  test::write_bytes(temp.path("batches.meta.txt"), Bytes(meta.begin(), meta.end()));
  EXPECT_EQ(open_data(temp.path(), {}).dataset->classes()[9], "j");
  test::write_bytes(temp.path("batches.meta.txt"), Bytes{'a', '\n'});
  EXPECT_NE(error().find("names 1 classes, expected 10"), std::string::npos);
  Bytes cut = cifar_records(40);
  cut.pop_back();
  test::write_bytes(temp.path("data_batch_1.bin"), cut);
  EXPECT_NE(error().find("no whole number of CIFAR-10 records"), std::string::npos);
  cut = cifar_records(40);
  cut[3073] = 10;
  test::write_bytes(temp.path("data_batch_1.bin"), cut);
  EXPECT_NE(error().find("record 1 has the label 10"), std::string::npos);
}

TEST(RealData, CountsAreThoseOfTheSharedSets) {
  const std::string shared = test::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared test data: set GABOR_SHARED to the folder that holds data/";
  const DataSplits mnist = open_data(shared + "/data/mnist", {});
  EXPECT_EQ(mnist.train.size(), 42000u);
  EXPECT_EQ(mnist.val.size(), 18000u);
  EXPECT_EQ(mnist.test.size(), 10000u);
  std::vector<int> per_class(10);
  for (uint32_t i = 0; i < 60000; i++) per_class[size_t(mnist.dataset->label(i))]++;
  EXPECT_EQ(per_class, (std::vector<int>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  const DataSplits pets = open_data(shared + "/data/cats-dogs.tar", {});
  EXPECT_EQ(pets.train.size(), 1098u);
  EXPECT_EQ(pets.val.size(), 300u);
  EXPECT_EQ(pets.dataset->classes(), (std::vector<std::string>{"cat", "dog"}));
  const DataSplits cifar = open_data(shared + "/data/cifar10-bin", {});
  EXPECT_EQ(cifar.dataset->classes()[1], "automobile");
  EXPECT_EQ(cifar.test.size(), 200u);
}

}  // namespace
}  // namespace gabor
