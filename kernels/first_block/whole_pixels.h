// Pixels as whole numbers, which 16-bit floats hold exactly: the rungs on tensor cores multiply these, and give what x
// itself would give in float.
#pragma once
#include <cmath>
#include <optional>

#include "core/problem/first_block.h"

namespace gabor::kernels::first_block {

// x = unit[c] (factor v + offset) + rest[c] for a pixel's byte v, with |factor v + offset| <= 256: 8 bits and a sign.
// rest is what roundings leave, at most unit / 4096; where it is not 0 there is no padding, whose zeros it would not fit.
struct WholePixels {
  float factor, offset;
  float unit[4], rest[4];
};

// None for float images, and where scale and shift put 0 elsewhere than on a whole or half gray level, the same in all
// channels. [0,1] and [-1,1] do.
inline std::optional<WholePixels> whole_pixels(const FirstBlockProblem& p) {
  if (p.input != DType::u8) return std::nullopt;
  const auto &scale = p.normalize.scale, &shift = p.normalize.shift;
  for (const int factor : {1, 2}) {
    const double offset = std::rint(factor * double(shift[0]) / double(scale[0]));
    bool fits = offset >= -256 && 255 * factor + offset <= 256;  // false for NaN, too
    bool has_rest = false;
    WholePixels w{float(factor), float(offset), {}, {}};
    for (size_t c = 0; c < size_t(p.conv.C); ++c) {
      w.unit[c] = scale[c] / float(factor);
      w.rest[c] = float(double(shift[c]) - offset * double(scale[c]) / factor);
      fits = fits && std::isnormal(w.unit[c]) && std::abs(w.rest[c]) <= std::abs(w.unit[c]) * 0x1p-12f;
      has_rest = has_rest || w.rest[c] != 0;
    }
    if (fits && (!has_rest || p.conv.pad == Padding{})) return w;
  }
  return std::nullopt;
}

}  // namespace gabor::kernels::first_block
