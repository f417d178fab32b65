// Operations that move pixels. In place; scratch is overwritten and its memory used again.
#pragma once
#include "data/augment/box.h"
#include "data/augment/pixel_view.h"

namespace gabor {

// The box, enlarged to the whole picture as resize() does it.
void crop(const PixelView& picture, const Box& box, Image& scratch);

// Moves the picture dy pixels down and dx to the right; what comes in is reflected at the border, whose own pixels are
// not repeated: y[h,w] = x[reflect(h - dy), reflect(w - dx)].
void translate(const PixelView& picture, int dy, int dx, Image& scratch);

// Where the pixel comes from that is w to the right of the centre and h below it:
//   w' = ww * w + wh * h + right,  h' = hw * w + hh * h + down
// from the centre likewise. Factors: 65536 is 1; right, down: pixels.
struct Affine {
  int ww = kFixedOne, wh = 0, hw = 0, hh = kFixedOne;
  int right = 0, down = 0;
};

// The nearest pixel, or gray 128 from beyond the border.
void transform(const PixelView& picture, const Affine& map, Image& scratch);

}  // namespace gabor
