// MixUp and CutMix: what is drawn, and what becomes of pictures and labels.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "data/augment/mix.h"
#include "data/augment_pictures.h"
#include "data/fingerprint.h"
#include "data/fixture.h"
#include "data/loader.h"

namespace gabor {
namespace {

using test::noise;
using test::view_of;

struct Mixed {
  Image image;
  MixedLabel label;
};

// Of a picture of class 3 with one of class 5.
Mixed mixed(const AugmentSpec& spec, uint32_t sample, const Image& picture, Image other) {
  Mixed m{picture, {3, 3}};
  mix(spec, {1, 0, sample}, view_of(m.image), m.label, other.pixels.data(), 5);
  return m;
}

// The picture's own share, whichever label came first.
double share_of(const MixedLabel& label) {
  const double first = label.weight / 65536.0;
  return label.first == 3 ? first : 1 - first;
}

class Shapes : public ::testing::TestWithParam<test::PictureShape> {};
INSTANTIATE_TEST_SUITE_P(Mix, Shapes, ::testing::ValuesIn(test::kShapes), test::shape_name);

TEST_P(Shapes, MixUpIsTheWeightedMeanOfPicturesAndLabels) {
  const Image picture = noise(GetParam(), 1), other = noise(GetParam(), 2);
  for (uint32_t sample = 0; sample < 50; sample++) {
    const Mixed m = mixed({.mixup = 1}, sample, picture, other);
    EXPECT_EQ(m.label.first + m.label.second, 8);
    EXPECT_GE(m.label.weight, 32768);
    EXPECT_LE(m.label.weight, 65536);
    const double share = share_of(m.label);
    for (size_t i = 0; i < picture.pixels.size(); i++)
      ASSERT_EQ(m.image.pixels[i],
                std::floor(picture.pixels[i] * share + other.pixels[i] * (1 - share) + 0.5));
  }
}

// Every pixel is of the one or of the other, those of the other are a box, and its area is the label's share.
TEST_P(Shapes, CutMixReplacesABoxAndWeighsByItsArea) {
  const auto [height, width, channels] = GetParam();
  Image picture = noise(GetParam(), 1), other = picture;
  for (uint8_t& v : other.pixels) v ^= 0xff;  // differs everywhere
  for (uint32_t sample = 0; sample < 50; sample++) {
    const Mixed m = mixed({.cutmix = 1}, sample, picture, other);
    int top = height, bottom = -1, left = width, right = -1, count = 0;
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        const size_t at = size_t((y * width + x) * channels);
        const bool replaced = m.image.pixels[at] != picture.pixels[at];
        for (int c = 0; c < channels; c++)
          ASSERT_EQ(m.image.pixels[at + size_t(c)], (replaced ? other : picture).pixels[at + size_t(c)]);
        if (!replaced) continue;
        top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x),
        right = std::max(right, x);
        count++;
      }
    if (count) {
      EXPECT_EQ(count, (bottom - top + 1) * (right - left + 1));
    }
    EXPECT_NEAR(share_of(m.label), 1 - double(count) / (height * width), 1.0 / 65536);
    EXPECT_GE(m.label.weight, 32768);
  }
}

// Mean 1/2 and variance 1 / (4 (2a + 1)) are those of Beta(a, a); of a = 1 all tenths are equally frequent.
TEST(Beta, HasTheMomentsOfItsDistribution) {
  constexpr int kDraws = 10'000;
  for (int n : {1, 2, 5, 10}) {
    Random random({.seed = uint64_t(n)});
    const double a = 1.0 / n, deviation = std::sqrt(1 / (4 * (2 * a + 1)));
    double sum = 0, square = 0;
    std::array<int, 10> tenths{};
    for (int i = 0; i < kDraws; i++) {
      const int draw = draw_beta(random, n);
      ASSERT_GE(draw, 0);
      ASSERT_LE(draw, 65536);
      const double v = draw / 65536.0;
      sum += v / kDraws, square += (v - 0.5) * (v - 0.5) / kDraws;
      tenths[size_t(std::min(9, int(10 * v)))]++;
    }
    EXPECT_NEAR(sum, 0.5, 4 * deviation / std::sqrt(kDraws)) << n;
    EXPECT_NEAR(square, deviation * deviation, 0.004) << n;
    if (n > 1) continue;
    double chi = 0;
    for (int count : tenths) chi += (count - kDraws / 10.0) * (count - kDraws / 10.0) / (kDraws / 10.0);
    EXPECT_LT(chi, 27.9);  // 9 degrees of freedom; exceeded once in a thousand by chance; the draw is fixed
  }
}

TEST(Beta, PowerIsOfWholeReciprocals) {
  EXPECT_EQ(beta_power(1), 1);
  EXPECT_EQ(beta_power(0.2), 5);
  EXPECT_EQ(beta_power(0.333), 3);
  EXPECT_EQ(beta_power(0.1), 10);
  for (double none : {0.0, -1.0, 2.0, 0.3, 0.09, std::nan("")}) EXPECT_EQ(beta_power(none), 0) << none;
}

TEST(Mix, CoinDecidesWhereBothAreAskedFor) {
  const Image black = [] {
    Image image = noise({16, 16, 1}, 1);
    std::fill(image.pixels.begin(), image.pixels.end(), uint8_t(0));
    return image;
  }();
  Image white = black;
  for (uint8_t& v : white.pixels) v = 255;
  int cut = 0, blended = 0;
  for (uint32_t sample = 0; sample < 1000; sample++) {
    const Mixed m = mixed({.mixup = 1, .cutmix = 1}, sample, black, white);
    const auto [low, high] = std::minmax_element(m.image.pixels.begin(), m.image.pixels.end());
    cut += *low == 0 && *high == 255;
    blended += *low == *high && *low > 0 && *low < 255;
  }
  EXPECT_NEAR(cut, 500, 70);
  EXPECT_NEAR(blended, 500, 70);
}

TEST(Mix, UnreadablePicturesAreLeftAlone) {
  const Image picture = noise({5, 5, 3}, 1);
  Image image = picture, other = noise({5, 5, 3}, 2);
  for (const auto& [first, second] : {std::pair{-1, 2}, {2, -1}}) {
    MixedLabel label{first, first};
    mix({.mixup = 1}, {1, 0, 0}, view_of(image), label, other.pixels.data(), second);
    EXPECT_EQ(image.pixels, picture.pixels);
    EXPECT_EQ(label.first, first);
    EXPECT_EQ(label.weight, 65536);
  }
}

// The bytes themselves, so that a run that is resumed by another build or on another machine goes on as it was.
TEST(Mix, BytesAreThoseOfEveryMachine) {
  Fingerprint print;
  for (const test::PictureShape& shape : test::kShapes)
    for (uint32_t sample = 0; sample < 100; sample++) {
      const Mixed m =
          mixed({.mixup = 0.2, .cutmix = 0.5}, sample, noise(shape, sample), noise(shape, sample + 1));
      print.add(m.image.pixels.data(), m.image.pixels.size());
      print.add(uint64_t(m.label.weight));
    }
  EXPECT_EQ(print.value(), 0xdd773c286e5b2744);
}

// Rows of a batch: each with the next as it was, the last with the first; whatever thread comes last.
TEST(Mix, LoaderMixesEachRowWithTheNext) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b", "c"}, 7);
  test::write_bytes(temp.path("b/notes.txt"), {'h', 'i'});
  const DataSplits data = open_data(temp.path(), {.val_split = 0});
  const AugmentSpec spec{.flip = true, .mixup = 0.5, .cutmix = 1}, before{.flip = true};
  LoaderOptions options{.batch = 5, .height = 7, .width = 6, .channels = 3, .seed = 3, .max_bad = 1};
  options.augment = before;
  Loader plain(data.dataset, data.train, options);
  plain.start(2);
  std::vector<test::Bytes> expected;
  while (Batch* b = plain.next()) {
    std::vector<Image> rows(size_t(b->count)), unmixed;
    for (size_t row = 0; row < rows.size(); row++) {
      rows[row].reshape(7, 6, 3);
      std::copy_n(b->pixels.as<uint8_t>() + row * 126, 126, rows[row].pixels.data());
    }
    unmixed = rows;
    test::Bytes bytes;
    for (size_t row = 0; row < rows.size(); row++) {
      const int32_t* labels = b->labels.as<int32_t>();
      const size_t next = (row + 1) % rows.size();
      MixedLabel label{labels[row], labels[row]};
      if (rows.size() > 1)
        mix(spec, {3, 2, b->samples[row]}, view_of(rows[row]), label, unmixed[next].pixels.data(),
            labels[next]);
      bytes.insert(bytes.end(), rows[row].pixels.begin(), rows[row].pixels.end());
      const auto* raw = reinterpret_cast<const uint8_t*>(&label);
      bytes.insert(bytes.end(), raw, raw + sizeof label);
    }
    expected.push_back(bytes);
    plain.release(b);
  }
  ASSERT_EQ(expected.size(), 5u);  // 22 files: the last batch has 2
  options.augment = spec;
  for (int threads : {1, 2, 7, 16}) {
    options.threads = threads;
    Loader loader(data.dataset, data.train, options);
    loader.start(2);
    for (const test::Bytes& whole : expected) {
      Batch* b = loader.next();
      ASSERT_NE(b, nullptr);
      EXPECT_EQ(b->labels.shape, Shape({b->count, 3}));
      test::Bytes bytes;
      for (int row = 0; row < b->count; row++) {
        const uint8_t *pixels = b->pixels.as<uint8_t>() + row * 126,
                      *labels =
                          static_cast<const uint8_t*>(b->labels.data) + size_t(row) * sizeof(MixedLabel);
        bytes.insert(bytes.end(), pixels, pixels + 126);
        bytes.insert(bytes.end(), labels, labels + sizeof(MixedLabel));
      }
      EXPECT_EQ(bytes, whole) << threads;
      loader.release(b);
    }
  }
}

}  // namespace
}  // namespace gabor
