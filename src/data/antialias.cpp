#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE \
  "data/antialias.cpp"  // compiled once for each instruction set; the best is taken at run time
#include <hwy/foreach_target.h>
// foreach_target.h must come first
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "data/antialias.h"

HWY_BEFORE_NAMESPACE();
namespace gabor {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows are filtered in fours: one vector of 16 lanes then takes a tap of four output pixels, whatever the taps
// are. Pixel x of such a "quad" is the R,G,B,0 of four rows, one after the other.
constexpr int kRows = 4, kQuad = 4 * kRows;  // kQuad: bytes of one pixel in all rows
using Rgb0 = uint32_t[HWY_MAX_BYTES];        // as many pixels as a vector has bytes

void RowsToQuads(const uint8_t* const* rows, int width, uint32_t* quads) {
  const hn::ScalableTag<uint8_t> d8;
  const hn::ScalableTag<uint32_t> d32;
  const int step = int(hn::Lanes(d8)), lanes = int(hn::Lanes(d32));
  HWY_ALIGN Rgb0 row[kRows];
  int x = 0;
  for (; x + step <= width; x += step) {
    for (int r = 0; r < kRows; r++) {
      hn::Vec<decltype(d8)> red, green, blue;
      hn::LoadInterleaved3(d8, rows[r] + 3 * x, red, green, blue);
      hn::StoreInterleaved4(red, green, blue, hn::Zero(d8), d8, reinterpret_cast<uint8_t*>(row[r]));
    }
    for (int i = 0; i < step; i += lanes)
      hn::StoreInterleaved4(hn::Load(d32, row[0] + i), hn::Load(d32, row[1] + i), hn::Load(d32, row[2] + i),
                            hn::Load(d32, row[3] + i), d32, quads + kRows * (x + i));
  }
  for (; x < width; x++)
    for (int r = 0; r < kRows; r++) {
      quads[kRows * x + r] = 0;
      std::memcpy(quads + kRows * x + r, rows[r] + 3 * x, 3);
    }
}

void QuadsToRows(const uint32_t* quads, int width, uint8_t* const* rows) {
  const hn::ScalableTag<uint8_t> d8;
  const hn::ScalableTag<uint32_t> d32;
  const int step = int(hn::Lanes(d8)), lanes = int(hn::Lanes(d32));
  HWY_ALIGN Rgb0 row[kRows];
  int x = 0;
  for (; x + step <= width; x += step) {
    for (int i = 0; i < step; i += lanes) {
      hn::Vec<decltype(d32)> v0, v1, v2, v3;
      hn::LoadInterleaved4(d32, quads + kRows * (x + i), v0, v1, v2, v3);
      hn::Store(v0, d32, row[0] + i), hn::Store(v1, d32, row[1] + i);
      hn::Store(v2, d32, row[2] + i), hn::Store(v3, d32, row[3] + i);
    }
    for (int r = 0; r < kRows; r++) {
      hn::Vec<decltype(d8)> red, green, blue, zero;
      hn::LoadInterleaved4(d8, reinterpret_cast<const uint8_t*>(row[r]), red, green, blue, zero);
      hn::StoreInterleaved3(red, green, blue, d8, rows[r] + 3 * x);
    }
  }
  for (; x < width; x++)
    for (int r = 0; r < kRows; r++) std::memcpy(rows[r] + 3 * x, quads + kRows * x + r, 3);
}

void FilterQuads(const uint32_t* in, const FilterTaps& taps, int width_out, uint32_t* out) {
  const hn::CappedTag<int32_t, kQuad> d;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const int lanes = int(hn::Lanes(d));
  const auto half = hn::Set(d, 1 << (FilterTaps::kBits - 1));
  for (int x = 0; x < width_out; x++, out += kRows) {
    const int32_t* w = &taps.weight[size_t(x) * size_t(taps.stride)];
    for (int c = 0; c < kQuad; c += lanes) {
      const uint8_t* bytes = reinterpret_cast<const uint8_t*>(in + kRows * taps.first[size_t(x)]) + c;
      auto sum = half;
      for (int t = 0; t < taps.count[size_t(x)]; t++, bytes += kQuad)
        sum = hn::Add(sum, hn::Mul(hn::Set(d, w[t]), hn::PromoteTo(d, hn::LoadU(d8, bytes))));
      hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<FilterTaps::kBits>(sum)), d8,
                 reinterpret_cast<uint8_t*>(out) + c);
    }
  }
}

// A row may be given twice, and is then written twice. scratch: 4 x (width_in + width_out) values.
void FilterRowsRgb(const uint8_t* const* rows, int width_in, const FilterTaps& taps, int width_out,
                   uint32_t* scratch, uint8_t* const* out) {
  uint32_t* filtered = scratch + size_t(kRows) * size_t(width_in);
  RowsToQuads(rows, width_in, scratch);
  FilterQuads(scratch, taps, width_out, filtered);
  QuadsToRows(filtered, width_out, out);
}

// One output row of `bytes` from count source rows.
void FilterColumn(const uint8_t* const* rows, size_t bytes, const int32_t* w, int count, uint8_t* out) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto half = hn::Set(d, 1 << (FilterTaps::kBits - 1));
  size_t i = 0;
  for (; i + 4 * lanes <= bytes; i += 4 * lanes) {  // four sums in registers hide the multiplier's latency
    auto s0 = half, s1 = half, s2 = half, s3 = half;
    for (int t = 0; t < count; t++) {
      const uint8_t* in = rows[t] + i;
      const auto weight = hn::Set(d, w[t]);
      s0 = hn::Add(s0, hn::Mul(weight, hn::PromoteTo(d, hn::LoadU(d8, in))));
      s1 = hn::Add(s1, hn::Mul(weight, hn::PromoteTo(d, hn::LoadU(d8, in + lanes))));
      s2 = hn::Add(s2, hn::Mul(weight, hn::PromoteTo(d, hn::LoadU(d8, in + 2 * lanes))));
      s3 = hn::Add(s3, hn::Mul(weight, hn::PromoteTo(d, hn::LoadU(d8, in + 3 * lanes))));
    }
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<FilterTaps::kBits>(s0)), d8, out + i);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<FilterTaps::kBits>(s1)), d8, out + i + lanes);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<FilterTaps::kBits>(s2)), d8, out + i + 2 * lanes);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<FilterTaps::kBits>(s3)), d8, out + i + 3 * lanes);
  }
  for (; i < bytes; i++) {
    int32_t sum = 1 << (FilterTaps::kBits - 1);
    for (int t = 0; t < count; t++) sum += w[t] * rows[t][i];
    out[i] = uint8_t(std::clamp(sum >> FilterTaps::kBits, 0, 255));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gabor
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor {
namespace {

HWY_EXPORT(FilterRowsRgb);
HWY_EXPORT(FilterColumn);

void filter_row_gray(const uint8_t* row, const FilterTaps& taps, int width_out, uint8_t* out) {
  for (int x = 0; x < width_out; x++) {
    const uint8_t* in = row + taps.first[size_t(x)];
    const int32_t* w = &taps.weight[size_t(x) * size_t(taps.stride)];
    int32_t sum = 1 << (FilterTaps::kBits - 1);
    for (int t = 0; t < taps.count[size_t(x)]; t++) sum += w[t] * in[t];
    out[x] = uint8_t(std::clamp(sum >> FilterTaps::kBits, 0, 255));
  }
}

constexpr int kRows = 4;  // that are filtered at once

// The source rows filtered across, the last few of them: all that an output row needs. Small, so it stays in
// the fastest cache, where a whole picture between the two passes would not.
class Window {
 public:
  // reach: the most rows that an output row is made of
  Window(const Image& image, const FilterTaps& across, int width_out, int reach)
      : image_(image),
        across_(across),
        width_out_(width_out),
        kept_(reach + kRows),
        row_bytes_(size_t(width_out) * size_t(image.channels)),
        rows_(size_t(kept_) * row_bytes_) {
    if (image.channels == 3)
      scratch_ = hwy::AllocateAligned<uint32_t>(kRows * (size_t(image.width) + size_t(width_out)));
  }

  // Row y of the picture, filtered; valid until a row beyond y + reach is asked for, and then gone.
  const uint8_t* row(int y) {
    for (; filtered_ <= y; filtered_ += kRows) filter_next();
    return at(y);
  }

 private:
  uint8_t* at(int y) { return &rows_[size_t(y % kept_) * row_bytes_]; }

  void filter_next() {
    std::array<const uint8_t*, kRows> from;
    std::array<uint8_t*, kRows> to;
    for (int r = 0; r < kRows; r++) {
      const int y = std::min(filtered_ + r, image_.height - 1);  // the last one fills up the last four
      from[size_t(r)] = image_.row(y);
      to[size_t(r)] = at(y);
    }
    if (image_.channels == 1) {
      for (size_t r = 0; r < kRows; r++) filter_row_gray(from[r], across_, width_out_, to[r]);
      return;
    }
    HWY_DYNAMIC_DISPATCH(FilterRowsRgb)
    (from.data(), image_.width, across_, width_out_, scratch_.get(), to.data());
  }

  const Image& image_;
  const FilterTaps& across_;
  const int width_out_, kept_;
  const size_t row_bytes_;
  std::vector<uint8_t> rows_;
  hwy::AlignedFreeUniquePtr<uint32_t[]> scratch_;
  int filtered_ = 0;
};

}  // namespace

FilterTaps triangle_taps(int source, int target) {
  const double scale = double(source) / target;
  const double support = std::max(1.0, scale);
  FilterTaps taps;
  taps.stride = int(std::ceil(support)) * 2 + 1;
  taps.first.resize(size_t(target));
  taps.count.resize(size_t(target));
  taps.weight.assign(size_t(target) * size_t(taps.stride), 0);
  std::vector<double> w(size_t(taps.stride));
  for (int i = 0; i < target; i++) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, int(centre - support + 0.5));
    const int count = std::min(source, int(centre + support + 0.5)) - first;
    double total = 0;
    for (int t = 0; t < count; t++) {
      w[size_t(t)] = std::max(0.0, 1.0 - std::abs((first + t - centre + 0.5) / support));
      total += w[size_t(t)];
    }
    taps.first[size_t(i)] = first;
    taps.count[size_t(i)] = count;
    int32_t* out = &taps.weight[size_t(i) * size_t(taps.stride)];
    for (int t = 0; t < count; t++) out[t] = int32_t(w[size_t(t)] / total * (1 << FilterTaps::kBits) + 0.5);
  }
  return taps;
}

void resize_antialias(const Image& image, int height, int width, uint8_t* out) {
  GABOR_CHECK(image.channels == 1 || image.channels == 3);
  const FilterTaps across = triangle_taps(image.width, width), down = triangle_taps(image.height, height);
  const size_t row_bytes = size_t(width) * size_t(image.channels);
  Window window(image, across, width, down.stride);
  std::vector<const uint8_t*> rows(size_t(down.stride));
  for (int y = 0; y < height; y++) {
    const size_t i = size_t(y);
    for (int t = 0; t < down.count[i]; t++) rows[size_t(t)] = window.row(down.first[i] + t);
    HWY_DYNAMIC_DISPATCH(FilterColumn)
    (rows.data(), row_bytes, &down.weight[i * size_t(down.stride)], down.count[i], out + i * row_bytes);
  }
}

}  // namespace gabor
#endif  // HWY_ONCE
