// Resize::fast: large JPEGs decoded at a half, a quarter or an eighth of their size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/decode.h"
#include "data/fixture.h"
#include "data/loader.h"
#include "data/resize.h"

namespace gabor {
namespace {

using test::Bytes;
using test::operator+;

Image decode_at_least(const Bytes& bytes, ImageSize size) {
  Image image;
  decode(bytes, "a.jpg", 3, {}, image, size);
  return image;
}

ImageSize size_of(const Image& image) { return {image.height, image.width}; }

TEST(FastDecode, TakesTheSmallestSizeThatCovers) {
  const Bytes jpeg = test::encode(test::picture(208, 400, 3, 1), ".jpg");
  const ImageSize whole{208, 400}, half{104, 200}, quarter{52, 100}, eighth{26, 50};
  const std::vector<std::pair<ImageSize, ImageSize>> asked_and_given = {
      {{1, 1}, eighth},   {eighth, eighth}, {{27, 50}, quarter}, {{26, 51}, quarter},
      {quarter, quarter}, {{53, 1}, half},  {half, half},        {{105, 1}, whole},
      {{1, 201}, whole},  {whole, whole},   {{900, 900}, whole}};
  for (const auto& [asked, given] : asked_and_given)
    EXPECT_EQ(size_of(decode_at_least(jpeg, asked)), given) << asked.height << 'x' << asked.width;
  EXPECT_EQ(decode_at_least(jpeg, {105, 201}).pixels, decode(jpeg, "a.jpg", 3).pixels);
}

TEST(FastDecode, TakesNoSizeThatDoesNotDivideThePicture) {
  const auto smallest_of = [](int height, int width) {
    return size_of(decode_at_least(test::encode(test::picture(height, width, 3, 1), ".jpg"), {1, 1}));
  };
  EXPECT_EQ(smallest_of(204, 402), (ImageSize{102, 201}));
  EXPECT_EQ(smallest_of(204, 400), (ImageSize{51, 100}));
  EXPECT_EQ(smallest_of(208, 401), (ImageSize{208, 401}));
}

TEST(FastDecode, SizesAreOfTheUprightPicture) {
  Bytes jpeg = test::encode(test::picture(64, 160, 3, 1), ".jpg");
  const Bytes app1 =
      Bytes{0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8} +
      Bytes{0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0};  // turned by a quarter
  jpeg.insert(jpeg.begin() + 2, app1.begin(), app1.end());
  EXPECT_EQ(size_of(decode(jpeg, "a.jpg", 3)), (ImageSize{160, 64}));
  EXPECT_EQ(size_of(decode_at_least(jpeg, {80, 32})), (ImageSize{80, 32}));
  EXPECT_EQ(size_of(decode_at_least(jpeg, {32, 80})), (ImageSize{160, 64}));
}

TEST(FastDecode, IsForJpegsAndForItsFilterOnly) {
  const Image image = test::picture(80, 90, 3, 2);
  for (const char* extension : {".png", ".bmp"})
    EXPECT_EQ(decode_at_least(test::encode(image, extension), {8, 8}).pixels, image.pixels) << extension;
  for (Resize filter : {Resize::antialias, Resize::linear, Resize::area})
    EXPECT_FALSE(decode_size(filter, 30, 40)) << name_of(filter);
  EXPECT_EQ(decode_size(Resize::fast, 30, 40), (ImageSize{60, 80}));
}

TEST(FastDecode, DamageIsRefusedAsEver) {
  Bytes jpeg = test::encode(test::picture(160, 160, 3, 5), ".jpg");
  jpeg.resize(jpeg.size() / 2);
  test::error_of(ErrorCode::data, [&] { decode_at_least(jpeg, {8, 8}); });
}

// What the loader hands out is the file decoded so, then antialiased; and the same from the cache.
TEST(FastDecode, LoaderAndCacheGiveThesePixels) {
  const test::TempFolder temp;
  for (const char* name : {"/a/1.jpg", "/a/2.jpg", "/b/1.jpg", "/b/2.jpg"})
    test::write_bytes(temp.path("photos") + name,
                      test::encode(test::picture(160, 200, 3, uint32_t(name[1] + name[3])), ".jpg"));
  const auto data = open_data(temp.path("photos"), {.val_split = 0}).dataset;
  const CacheOptions in_cache{
      .path = temp.path("c.pixels"), .version = "1", .height = 16, .width = 20, .resize = Resize::fast};
  const std::vector<uint32_t> all{0, 1, 2, 3};
  LoaderOptions options{.batch = 4, .height = 16, .width = 20, .resize = Resize::fast, .shuffle = false};
  options.cache =
      std::make_shared<PictureCache>(in_cache, cache_content(*data, *data->stamp(), in_cache), all);
  Loader loader(data, all, options);
  for (int epoch = 0; epoch < 2; epoch++) {
    loader.start(epoch);
    Batch* batch = loader.next();
    ASSERT_TRUE(batch && batch->count == 4 && batch->bad == 0);
    for (uint32_t i : all) {
      const Image image = decode_at_least(data->bytes(i), {32, 40});
      EXPECT_EQ(size_of(image), (ImageSize{40, 50}));
      Bytes expected(16 * 20 * 3);
      resize(image, 16, 20, Resize::antialias, expected.data());
      const auto* got = batch->pixels.as<uint8_t>() + i * expected.size();
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got)) << epoch << ", picture " << i;
    }
    loader.release(batch);
  }
  EXPECT_EQ(options.cache->state(), PictureCache::State::ready);
}

struct Difference {
  int pictures = 0, largest = 0;  // levels of 255
  double least_psnr = 1e9;        // dB
};

void add_difference(const Bytes& jpeg, int side, Difference& d) {
  const Image whole = decode(jpeg, "a.jpg", 3), fast = decode_at_least(jpeg, {2 * side, 2 * side});
  if (fast.pixels.size() == whole.pixels.size()) return;
  Bytes exact(size_t(side * side * 3)), near(exact.size());
  resize(whole, side, side, Resize::antialias, exact.data());
  resize(fast, side, side, Resize::fast, near.data());
  double squares = 0;
  for (size_t i = 0; i < exact.size(); i++) {
    const int difference = std::abs(exact[i] - near[i]);
    d.largest = std::max(d.largest, difference);
    squares += difference * difference;
  }
  d.pictures++;
  d.least_psnr = std::min(d.least_psnr, 10 * std::log10(255.0 * 255 * double(exact.size()) / squares));
}

// The bound that resize.h states, on photos where they are at hand.
TEST(FastDecode, PhotosStayWithinTheStatedBound) {
  const std::string shared = test::shared_folder();
  if (shared.empty())
    GTEST_SKIP() << "no shared test data: set GABOR_SHARED to the folder that holds data/cats-dogs.tar";
  const auto photos = open_data(shared + "/data/cats-dogs.tar", {.val_split = 0}).dataset;
  for (const auto& [side, pictures] : {std::pair{32, 400}, {96, 40}}) {
    Difference d;
    for (size_t i = 0; i < photos->size(); i++) add_difference(photos->bytes(i), side, d);
    EXPECT_GT(d.pictures, pictures) << side;
    EXPECT_LE(d.largest, 12) << side;
    EXPECT_GT(d.largest, 0) << side;
    EXPECT_GE(d.least_psnr, 43) << side;
  }
}

}  // namespace
}  // namespace gabor
