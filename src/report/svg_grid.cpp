#include "report/svg_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html_text.h"

namespace gabor {
namespace {

constexpr int kMaxNumbered = 16, kMaxTiles = 64, kTilesARow = 16;

std::string cell(const EvalResult& r, const std::vector<std::string>& classes, int t, int p, double size,
                 double left, double top) {
  const int64_t n = r.confusion[size_t(t) * size_t(r.classes) + size_t(p)];
  int64_t row = 0;
  for (int k = 0; k < r.classes; k++) row += r.confusion[size_t(t) * size_t(r.classes) + size_t(k)];
  const double share = row ? double(n) / double(row) : 0;
  const double x = left + p * size, y = top + t * size;
  std::string out = fmt::format(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill-opacity=\"{:.3f}\"><title>{} taken for {}: {} ({:.1f} %)</title></rect>",
      t == p ? "right" : "wrong", x, y, size - 1, size - 1, share, html_escape(classes[size_t(t)]),
      html_escape(classes[size_t(p)]), n, 100 * share);
  if (r.classes <= kMaxNumbered)
    out += fmt::format("<text class=\"count{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
                       share > 0.55 ? " onfill" : "", x + size / 2, y + size / 2 + 4, n);
  return out + "\n";
}

}  // namespace

std::string confusion_matrix(const EvalResult& r, const std::vector<std::string>& classes) {
  const int k = r.classes;
  const bool named = k <= 2 * kMaxNumbered;
  const double size = k <= kMaxNumbered ? 42 : std::max(4.0, 600.0 / k);
  size_t longest = 4;
  for (const auto& c : classes) longest = std::max(longest, std::min<size_t>(c.size(), 18));
  const double left = named ? 12 + 7.5 * double(longest) : 20, top = named ? left + 10 : 20;
  const double width = left + k * size + 10, height = top + k * size + 10;
  std::string out = fmt::format(
      "<svg class=\"matrix\" viewBox=\"0 0 {0:.0f} {1:.0f}\" style=\"max-width:{0:.0f}px\" role=\"img\" "
      "aria-label=\"confusion matrix\">\n",
      width, height);
  for (int t = 0; named && t < k; t++) {
    const std::string name = html_escape(shorten(classes[size_t(t)], 18));
    const double at = t * size + size / 2 + 4;
    out += fmt::format("<text class=\"tick end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", left - 6, top + at,
                       name);
    out += fmt::format("<text class=\"tick\" transform=\"translate({:.1f},{:.1f}) rotate(-60)\">{}</text>\n",
                       left + at, top - 6, name);
  }
  for (int t = 0; t < k; t++)
    for (int p = 0; p < k; p++)
      // A large matrix is mostly empty: what is 0 off the diagonal is not drawn.
      if (k <= kMaxNumbered || t == p || r.confusion[size_t(t) * size_t(k) + size_t(p)] > 0)
        out += cell(r, classes, t, p, size, left, top);
  return out + "</svg>\n";
}

std::string filter_tiles(ConstTensorView w) {
  const int64_t K = std::min<int64_t>(w.shape[0], kMaxTiles), R = w.shape[1], S = w.shape[2], C = w.shape[3];
  const double pixel = std::max(2.0, 56.0 / double(std::max(R, S))), gap = 8;
  const double tile_w = pixel * double(S) + gap, tile_h = pixel * double(R) + gap;
  const int64_t columns = std::min<int64_t>(K, kTilesARow), rows = (K + columns - 1) / columns;
  const double width = tile_w * double(columns), height = tile_h * double(rows);
  std::string out = fmt::format(
      "<svg class=\"tiles\" viewBox=\"0 0 {0:.0f} {1:.0f}\" style=\"max-width:{0:.0f}px\" role=\"img\" "
      "aria-label=\"first-layer filters\" shape-rendering=\"crispEdges\">\n",
      width, height);
  const float* data = w.as<float>();
  for (int64_t k = 0; k < K; k++) {
    const float* filter = data + k * R * S * C;
    float largest = 1e-12f;
    for (int64_t i = 0; i < R * S * C; i++) largest = std::max(largest, std::abs(filter[i]));
    const double x0 = tile_w * double(k % columns), y0 = tile_h * double(k / columns);
    for (int64_t r = 0; r < R; r++)
      for (int64_t s = 0; s < S; s++) {
        const float* v = filter + (r * S + s) * C;
        int rgb[3];
        for (int c = 0; c < 3; c++)
          rgb[c] = int(std::lround(127.5 + 127.5 * double(v[C == 3 ? c : 0] / largest)));
        out += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
            "fill=\"#{:02x}{:02x}{:02x}\"/>",
            x0 + pixel * double(s), y0 + pixel * double(r), pixel, pixel, rgb[0], rgb[1], rgb[2]);
      }
    out += '\n';
  }
  return out + "</svg>\n";
}

}  // namespace gabor
