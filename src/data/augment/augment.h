// Augmentation: training pictures, changed at random, anew each epoch. The loader's workers do it, in the slot of the
// batch, on uint8 pictures at the input size.
//
// What is drawn depends on (seed, epoch, sample) alone: each operation has a Philox stream of its own, so that no thread,
// no place in a batch and no other operation can shift its draws. All arithmetic on pixels is on integers, so that the
// bytes are the same on every machine.
//
// The order is fixed, whatever the order in which operations are asked for:
//   1 crop       a random part of the picture, enlarged to the whole
//   2 translate  moved by whole pixels, what is missing reflected
//   3 flip       left and right
//   4 rand       RandAugment: some operations of a list (policy.h)
//   5 color      brightness, then contrast, then saturation
//   6 erase      a part becomes noise
//   7 mix        MixUp or CutMix with the next row of the batch (mix.h), which has been through 1 to 6 too
// Erasing comes after all that moves or changes pixels, so that a hole is not stretched or coloured.
//
// A crop is cut from the picture at the input size, not from the file's: these are the bytes that the cache keeps, so
// that an epoch from the cache is one from the files, and decodes nothing. The price is sharpness: a crop of half the
// area is enlarged by 1.4. Whoever minds trains at a larger --size.
#pragma once
#include <cstdint>

#include "core/problem/gather.h"
#include "data/augment/pixel_view.h"
#include "data/image.h"

namespace gabor {

// What is asked for; as it stands here: nothing.
struct AugmentSpec {
  static constexpr int kMostTranslate = 1024, kMostOps = 10, kMostMagnitude = 10, kMostBetaPower = 10;

  // Share of the picture's area, 0 < least <= most <= 1, drawn uniformly; 1, 1: no crop. The crop's sides are those of
  // the picture times sqrt(share * r) and sqrt(share / r), with a stretch r of up to 4/3 either way, as long as the
  // crop fits (Szegedy et al.: "Going deeper with convolutions", CVPR 2015).
  struct Crop {
    double least = 1, most = 1;
    bool operator==(const Crop&) const = default;
  };
  // ops operations (0..kMostOps; 0: none), each of a magnitude of 1..kMostMagnitude (policy.h).
  struct RandAugment {
    int ops = 0, magnitude = 9;
    bool operator==(const RandAugment&) const = default;
  };

  Crop crop{};
  int translate = 0;  // pixels, 0..kMostTranslate, at most, in each direction
  bool flip = false;  // half of the pictures
  RandAugment rand{};
  double color = 0;  // 0..1: each of the three factors is drawn uniformly from 1 - color .. 1 + color
  // 0..1: share of the pictures in which a part of 2 % to 33 % of the area, stretched by up to 3.3, becomes noise
  // (Zhong et al.: "Random erasing data augmentation", AAAI 2020).
  double erase = 0;
  // MixUp and CutMix: a picture's share is drawn from Beta(a, a) with this a = 1 / n, n = 1..kMostBetaPower; 0: not done.
  // Where both are asked for, a coin decides picture by picture.
  double mixup = 0, cutmix = 0;
  bool mixes() const { return mixup > 0 || cutmix > 0; }
  bool only_moves() const;  // translate and flip, or nothing: drawn_move() says all

  bool operator==(const AugmentSpec&) const = default;
};

// Throws Error{usage} for values out of the ranges above.
void check(const AugmentSpec& spec);

// Which draws.
struct AugmentKey {
  uint64_t seed = 0;
  int epoch = 0;
  uint32_t sample = 0;  // index into the data set
};

// Mirrors this sample in this epoch? True for half of them.
bool is_flipped(const AugmentKey& key);

// What augment() does to the picture where spec.only_moves(), for a device that has the picture; `picture` is left 0.
PictureRow drawn_move(const AugmentSpec& spec, const AugmentKey& key);

// In place. scratch: overwritten, its memory is used again; of the same size as the picture at most. Sides of the
// picture: 1 to 65535.
void augment(const AugmentSpec& spec, const AugmentKey& key, const PixelView& picture, Image& scratch);

}  // namespace gabor
