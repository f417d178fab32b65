#include "report/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html_text.h"

namespace gabor {
namespace {

constexpr double kWidth = 460, kHeight = 260;  // of the drawing, in its own units
constexpr double kLeft = 52, kRight = 12, kTop = 34, kBottom = 34;

// Maps values to the drawing.
struct Frame {
  double x_low, x_high, y_low, y_high;
  double x(double v) const {
    return kLeft + (v - x_low) / std::max(x_high - x_low, 1e-12) * (kWidth - kLeft - kRight);
  }
  double y(double v) const {
    return kHeight - kBottom - (v - y_low) / std::max(y_high - y_low, 1e-12) * (kHeight - kTop - kBottom);
  }
};

std::string axes(const Frame& f, const std::vector<double>& x_ticks, const std::vector<double>& y_ticks) {
  std::string out;
  for (double t : y_ticks)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"tick end\" x=\"{}\" y=\"{:.1f}\">{:.4g}</text>\n",
        kLeft, kWidth - kRight, f.y(t), f.y(t), kLeft - 6, f.y(t) + 4, t);
  for (double t : x_ticks)
    out += fmt::format("<text class=\"tick mid\" x=\"{:.1f}\" y=\"{}\">{:.0f}</text>\n", f.x(t),
                       kHeight - kBottom + 16, t);
  return out + fmt::format("<text class=\"tick mid\" x=\"{}\" y=\"{}\">epoch</text>\n",
                           (kLeft + kWidth - kRight) / 2, kHeight - 4);
}

std::string curve_path(const Frame& f, const std::vector<int>& x, const Curve& c) {
  std::string path, dots;
  bool pen_down = false;
  for (size_t i = 0; i < x.size() && i < c.y.size(); i++) {
    if (!std::isfinite(c.y[i])) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f},{:.1f} ", pen_down ? "L" : "M", f.x(x[i]), f.y(c.y[i]));
    pen_down = true;
    if (x.size() <= 40)
      dots += fmt::format(
          "<circle class=\"{0}\" cx=\"{1:.1f}\" cy=\"{2:.1f}\" r=\"3\"><title>{3}, epoch {4}: "
          "{5:.4f}</title></circle>",
          c.css, f.x(x[i]), f.y(c.y[i]), html_escape(c.name), x[i], c.y[i]);
  }
  return path.empty() ? "" : fmt::format("<path class=\"{}\" d=\"{}\"/>{}\n", c.css, path, dots);
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int wanted) {
  // Not so fine that counting steps from 0 would lose its last digit, as for the loss of a net that diverges.
  const double finest = 1e-12 * std::max({1.0, std::fabs(low), std::fabs(high)});
  const double raw = std::max((high - low) / std::max(wanted, 1), finest);
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (double s : {1.0, 2.0, 5.0})
    if (s * power >= raw * 0.999) {
      step = s * power;
      break;
    }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++)
    ticks.push_back(k * step + 0.0);
  return ticks;
}

std::string line_chart(const std::string& title, const std::vector<int>& x, const std::vector<Curve>& curves,
                       double low, double high) {
  double y_low = low, y_high = high;
  if (!(low < high)) {
    y_low = 1e300, y_high = -1e300;
    for (const Curve& c : curves)
      for (double v : c.y)
        if (std::isfinite(v)) y_low = std::min(y_low, v), y_high = std::max(y_high, v);
    if (y_low > y_high) y_low = 0, y_high = 1;
    const double margin = std::max((y_high - y_low) * 0.08, 1e-3);
    y_low = y_low >= 0 ? std::max(0.0, y_low - margin) : y_low - margin, y_high += margin;
  }
  Frame f{x.empty() ? 0.0 : double(x.front()), x.empty() ? 1.0 : double(x.back()), y_low, y_high};
  if (f.x_low == f.x_high) f.x_low -= 0.5, f.x_high += 0.5;  // one epoch: a dot in the middle
  std::vector<double> x_ticks;
  for (double t : round_ticks(f.x_low, f.x_high, 8))
    if (t == std::floor(t)) x_ticks.push_back(t);

  std::string out = fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n<text class=\"title\" "
      "x=\"{}\" y=\"18\">{}</text>\n",
      kWidth, kHeight, html_escape(title), kLeft, html_escape(title));
  out += axes(f, x_ticks, round_ticks(y_low, y_high, 5));
  double legend = kWidth - kRight;
  for (auto c = curves.rbegin(); c != curves.rend(); ++c) {
    const std::string path = curve_path(f, x, *c);
    if (path.empty()) continue;
    out += path;
    legend -= 12 + 7.0 * double(c->name.size());
    out += fmt::format("<text class=\"legend {}\" x=\"{:.0f}\" y=\"18\">{}</text>\n", c->css, legend,
                       html_escape(c->name));
  }
  return out + "</svg>\n";
}

}  // namespace gabor
