#include "report/svg_duel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "duel/summary.h"
#include "report/duel_report.h"
#include "report/html_text.h"

namespace gabor {
namespace {

constexpr int kColours = 6;
constexpr double kWidth = 900;

// The colour of a candidate is its place in the duel.
int colour_of(const std::vector<std::string>& names, const std::string& name) {
  return int(std::find(names.begin(), names.end(), name) - names.begin()) % kColours;
}

std::string begin(const std::string& title, double height) {
  return fmt::format("<svg class=\"chart\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n",
                     kWidth, height, html_escape(title));
}

// names: all candidates, for the colours.
std::string legend(const std::vector<std::string>& names, const std::vector<std::string>& shown, double x,
                   double y) {
  std::string out;
  for (const std::string& name : shown) {
    out += fmt::format(
        "<rect class=\"s{0}\" x=\"{1:.0f}\" y=\"{2:.0f}\" width=\"10\" height=\"10\"/>"
        "<text class=\"label\" x=\"{3:.0f}\" y=\"{4:.0f}\">{5}</text>\n",
        colour_of(names, name), x, y - 9, x + 15, y, html_escape(name));
    x += 34 + 7 * double(name.size());
  }
  return out;
}

std::string power_of_2(int e) { return e < 0 ? fmt::format("1/{}", 1 << -e) : fmt::format("{}", 1 << e); }

// Powers of ten from low to high, as ticks of a logarithmic axis.
std::vector<int> decades(double low, double high) {
  std::vector<int> out;
  for (int e = int(std::floor(std::log10(low))); e <= int(std::ceil(std::log10(high))); e++) out.push_back(e);
  return out;
}

}  // namespace

std::string ratio_chart(const Duel& d, ProblemClass problem_class) {
  constexpr double kLeft = 300, kRight = 40, kTop = 50, kBar = 9, kGap = 8;
  constexpr int kReach = 6;  // powers of 2 to each side, at most: a longer bar is cut
  std::vector<const DuelRecord*> bars;
  for (const DuelRecord& r : d.records)
    if (r.ratio > 0 && class_of(d.problems[r.problem]) == problem_class) bars.push_back(&r);
  if (bars.empty()) return "";
  const auto new_group = [&](size_t i) {
    return i == 0 || bars[i - 1]->problem != bars[i]->problem || bars[i - 1]->pass != bars[i]->pass ||
           bars[i - 1]->workspace_cap != bars[i]->workspace_cap;
  };
  int low = -1, high = 1;
  size_t groups = 0;
  for (size_t i = 0; i < bars.size(); i++) {
    low = std::min(low, int(std::floor(std::log2(bars[i]->ratio))));
    high = std::max(high, int(std::ceil(std::log2(bars[i]->ratio))));
    groups += new_group(i);
  }
  low = std::max(low, -kReach), high = std::min(high, kReach);
  const double height = kTop + kBar * double(bars.size()) + kGap * double(groups);
  const auto x_of = [&](double ratio) {
    return kLeft + (std::clamp(std::log2(ratio), double(low), double(high)) - low) / (high - low) *
                       (kWidth - kLeft - kRight);
  };
  const std::vector<std::string> names = candidates_of(d);
  std::vector<std::string> shown;
  for (const std::string& name : names)
    if (std::any_of(bars.begin(), bars.end(), [&](const DuelRecord* r) { return r->candidate == name; }))
      shown.push_back(name);
  if (shown.size() < 2) return "";
  std::string out = begin("Ratios by layer", height) + legend(names, shown, 12, 18);
  for (int e = low; e <= high; e++)
    out += fmt::format(
        "<line class=\"{0}\" x1=\"{1:.1f}\" x2=\"{1:.1f}\" y1=\"{2}\" y2=\"{3:.1f}\"/>"
        "<text class=\"tick mid\" x=\"{1:.1f}\" y=\"{4}\">{5}</text>\n",
        e == 0 ? "axis" : "grid", x_of(std::exp2(e)), kTop - 6, height, kTop - 10, power_of_2(e));
  double y = kTop;
  for (size_t i = 0; i < bars.size(); i++, y += kBar) {
    const DuelRecord& r = *bars[i];
    const std::string label = d.problems[r.problem].name + " " + pass_text(r.pass, r.workspace_cap);
    if (new_group(i)) {
      y += i ? kGap : 0;
      out += fmt::format("<text class=\"label end\" x=\"{}\" y=\"{:.1f}\">{}</text>\n", kLeft - 8, y + 9,
                         html_escape(shorten(label, 44)));
    }
    const double from = std::min(x_of(1), x_of(r.ratio)), to = std::max(x_of(1), x_of(r.ratio));
    out += fmt::format(
        "<rect class=\"s{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\"><title>{}, {}: "
        "{:.3g}</title></rect>\n",
        colour_of(names, r.candidate), from, y, std::max(to - from, 1.5), kBar - 1, html_escape(label),
        html_escape(r.candidate), r.ratio);
  }
  return out + "</svg>\n";
}

std::string roofline_chart(const Duel& d) {
  constexpr double kLeft = 70, kRight = 20, kTop = 40, kBottom = 50, kHeight = 420;
  double x_low = 1e300, x_high = 0, y_low = 1e300, y_high = 0;
  for (const DuelRecord& r : d.records) {
    if (!r.ran() || !(r.flops > 0) || !(r.bytes > 0) || !(r.median > 0)) continue;
    x_low = std::min(x_low, r.flops / r.bytes), x_high = std::max(x_high, r.flops / r.bytes);
    y_low = std::min(y_low, r.flops / r.median), y_high = std::max(y_high, r.flops / r.median);
  }
  if (x_high == 0) return "<p class=\"soft\">Nothing ran.</p>\n";
  for (const DeviceRoofs& roofs : d.roofs)
    for (const auto& [math, flops] : roofs.flops) y_high = std::max(y_high, flops);
  const std::vector<int> x_ticks = decades(x_low, x_high), y_ticks = decades(y_low, y_high);
  const auto x_of = [&](double v) {
    return kLeft + (std::log10(v) - x_ticks.front()) / std::max(x_ticks.back() - x_ticks.front(), 1) *
                       (kWidth - kLeft - kRight);
  };
  const auto y_of = [&](double v) {
    return kHeight - kBottom -
           (std::log10(v) - y_ticks.front()) / std::max(y_ticks.back() - y_ticks.front(), 1) *
               (kHeight - kTop - kBottom);
  };
  const std::vector<std::string> names = candidates_of(d);
  std::string out = begin("Roofline", kHeight) + legend(names, names, kLeft, 18);
  for (const int e : x_ticks)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text class=\"tick "
        "mid\" x=\"{0:.1f}\" y=\"{3}\">{4:g}</text>\n",
        x_of(std::pow(10, e)), kTop, kHeight - kBottom, kHeight - kBottom + 16, std::pow(10, e));
  for (const int e : y_ticks)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=\"tick "
        "end\" x=\"{3}\" y=\"{4:.1f}\">{5:g}</text>\n",
        kLeft, kWidth - kRight, y_of(std::pow(10, e)), kLeft - 6, y_of(std::pow(10, e)) + 4,
        std::pow(10, e - 9));
  out += fmt::format(
      "<text class=\"tick mid\" x=\"{}\" y=\"{}\">FLOP per byte that must move</text><text class=\"tick\" "
      "x=\"{}\" y=\"{}\">GFLOP/s</text>\n",
      (kLeft + kWidth - kRight) / 2, kHeight - 12, 8, kTop - 8);
  const double left = std::pow(10, x_ticks.front()), right = std::pow(10, x_ticks.back());
  const double bottom = std::pow(10, y_ticks.front());
  for (const DeviceRoofs& roofs : d.roofs)
    for (const auto& [math, flops] : roofs.flops) {
      if (!(roofs.bytes_per_s > 0)) continue;
      const double start = std::max(left, bottom / roofs.bytes_per_s);
      const double knee = std::clamp(flops / roofs.bytes_per_s, start, right);
      out += fmt::format(
          "<path class=\"roof\" d=\"M{:.1f},{:.1f} L{:.1f},{:.1f} L{:.1f},{:.1f}\"><title>{} {}: {:.1f} "
          "GB/s, {:.4g} GFLOP/s</title></path>\n",
          x_of(start), y_of(std::min(start * roofs.bytes_per_s, flops)), x_of(knee),
          y_of(std::min(knee * roofs.bytes_per_s, flops)), x_of(right),
          y_of(std::min(right * roofs.bytes_per_s, flops)), html_escape(roofs.device), html_escape(math),
          roofs.bytes_per_s / 1e9, flops / 1e9);
    }
  for (const DuelRecord& r : d.records) {
    if (!r.ran() || !(r.flops > 0) || !(r.bytes > 0) || !(r.median > 0)) continue;
    out += fmt::format(
        "<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill-opacity=\"0.8\"><title>{} {}, {}: "
        "{:.4g} GFLOP/s, {:.3g} FLOP/byte</title></circle>\n",
        colour_of(names, r.candidate), x_of(r.flops / r.bytes), y_of(r.flops / r.median),
        html_escape(d.problems[r.problem].name), pass_text(r.pass, r.workspace_cap), html_escape(r.candidate),
        r.flops / r.median / 1e9, r.flops / r.bytes);
  }
  return out + "</svg>\n";
}

}  // namespace gabor
