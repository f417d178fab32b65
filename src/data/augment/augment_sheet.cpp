#include "data/augment/augment_sheet.h"

#include "data/pixels.h"
#include "data/sheet.h"

namespace gabor {
namespace {

constexpr int kColumns = 8, kTile = 128;

}  // namespace

std::vector<uint8_t> augment_sheet(const std::vector<AugmentedPicture>& pictures, const AugmentSpec& spec,
                                   uint64_t seed, int epochs) {
  Sheet sheet(kColumns, kTile);
  Image scratch;
  for (const AugmentedPicture& p : pictures) {
    sheet.heading(p.name);
    for (int tile = 0; tile <= epochs; tile++) {
      Image image = p.image;
      if (tile > 0)
        augment(spec, {seed, tile - 1, p.sample},
                {image.pixels.data(), image.height, image.width, image.channels}, scratch);
      set_channels(image, 3);
      if (tile % kColumns == 0) sheet.strip(kTile + Sheet::kGap);
      sheet.paste(sheet.x_of(tile % kColumns), 0, &image);
    }
  }
  return sheet.png();
}

}  // namespace gabor
