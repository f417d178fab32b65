// Geometry of the direct convolutions, and where they are used.
#include "backends/cpu/conv2d_direct.h"

#include <algorithm>
#include <cstring>

namespace gabor::cpu {

// Single-threaded on Zen 5 with AVX-512 against oneDNN 2.6.3, 3x3 and 5x5: fprop 1.0 to 1.3 times as fast up
// to 8 channels (and its activation costs no pass of its own), dgrad 1.0 to 2.7 times, wgrad 1.2 to 2.5 times
// below 16. Above, oneDNN gains 5 to 20 %.
bool direct_is_faster(const Conv2dProblem& p, Pass pass) {
  return p.groups == 1 && (pass == Pass::wgrad ? p.C < 16 : p.C <= 8);
}

size_t direct_workspace(const Conv2dProblem& p, Pass pass) {
  return pass == Pass::fprop   ? direct_fprop_workspace(p)
         : pass == Pass::dgrad ? direct_dgrad_workspace(p)
                               : direct_wgrad_workspace(p);
}

Runs runs_of(const Conv2dProblem& p, int64_t x_width) {
  const int64_t row_step = p.dil_h * x_width;
  if (p.dil_w == 1 && p.groups == 1)
    return {.count = p.R, .length = p.S * p.C, .per_row = 1, .row_step = row_step};
  return {.count = p.R * p.S,
          .length = p.C / p.groups,
          .per_row = p.S,
          .row_step = row_step,
          .step = p.dil_w * p.C};
}

Bands bands_of(const Conv2dProblem& p) {
  constexpr int64_t kFloats = 16384;  // of x in a band: 64 KiB, which L2 holds beside the filters
  Bands b;
  b.x_width = (p.W + p.pad.left + p.pad.right) * p.C;
  b.copied = p.pad != Padding{};
  const int64_t reach = (p.R - 1) * p.dil_h + 1, P = p.P();
  b.rows = std::clamp<int64_t>((kFloats / b.x_width - reach) / p.stride_h + 1, 1, P);
  b.per_image = (P + b.rows - 1) / b.rows;
  b.x_rows = (b.rows - 1) * p.stride_h + reach;
  return b;
}

const float* band_input(const Conv2dProblem& p, const Bands& bands, const float* x, int64_t n,
                        int64_t first_row, int64_t rows, float* scratch) {
  const int64_t start = first_row * p.stride_h - p.pad.top;
  const float* image = x + n * p.H * p.W * p.C;
  if (!bands.copied) return image + start * bands.x_width;
  const int64_t x_rows = (rows - 1) * p.stride_h + (p.R - 1) * p.dil_h + 1;
  const int64_t before = p.pad.left * p.C, width = p.W * p.C;
  for (int64_t i = 0; i < x_rows; i++) {
    float* to = scratch + i * bands.x_width;
    const int64_t h = start + i;
    if (h < 0 || h >= p.H) {
      std::fill_n(to, bands.x_width, 0.0f);
      continue;
    }
    std::fill_n(to, before, 0.0f);
    std::memcpy(to + before, image + h * width, size_t(width) * sizeof(float));
    std::fill(to + before + width, to + bands.x_width, 0.0f);
  }
  return scratch;
}

}  // namespace gabor::cpu
