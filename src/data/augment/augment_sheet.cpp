#include "data/augment/augment_sheet.h"

#include "data/augment/mix.h"
#include "data/pixels.h"
#include "data/sheet.h"

namespace gabor {
namespace {

constexpr int kColumns = 8, kTile = 128;

PixelView view_of(Image& image) { return {image.pixels.data(), image.height, image.width, image.channels}; }

// What an epoch makes of picture p.
Image variant(const std::vector<AugmentedPicture>& pictures, size_t p, const AugmentSpec& spec, uint64_t seed,
              int epoch, Image& scratch) {
  const auto key = [&](size_t of) { return AugmentKey{seed, epoch, pictures[of].sample}; };
  Image image = pictures[p].image;
  augment(spec, key(p), view_of(image), scratch);
  if (!spec.mixes() || pictures.size() == 1) return image;
  const size_t next = (p + 1) % pictures.size();
  Image other = pictures[next].image;
  augment(spec, key(next), view_of(other), scratch);
  MixedLabel label{0, 0};  // of no use here
  mix(spec, key(p), view_of(image), label, other.pixels.data(), 0);
  return image;
}

}  // namespace

std::vector<uint8_t> augment_sheet(const std::vector<AugmentedPicture>& pictures, const AugmentSpec& spec,
                                   uint64_t seed, int epochs) {
  Sheet sheet(kColumns, kTile);
  Image scratch;
  for (size_t p = 0; p < pictures.size(); p++) {
    sheet.heading(pictures[p].name);
    for (int tile = 0; tile <= epochs; tile++) {
      Image image = tile == 0 ? pictures[p].image : variant(pictures, p, spec, seed, tile - 1, scratch);
      set_channels(image, 3);
      if (tile % kColumns == 0) sheet.strip(kTile + Sheet::kGap);
      sheet.paste(sheet.x_of(tile % kColumns), 0, &image);
    }
  }
  return sheet.png();
}

}  // namespace gabor
