#include "cli/doctor_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace gabor {
namespace {

constexpr size_t kMaxListed = 20;

nlohmann::ordered_json pairs_json(const std::vector<DuplicatePair>& pairs) {
  auto list = nlohmann::ordered_json::array();
  for (const DuplicatePair& p : pairs)
    list.push_back({{"first", p.first},
                    {"second", p.second},
                    {"parts", {p.first_part, p.second_part}},
                    {"across_parts", p.across_parts},
                    {"labels_differ", p.labels_differ},
                    {"distance", p.distance}});
  return list;
}

nlohmann::ordered_json resize_json(const ResizeLoss& r) {
  return {{"size", {r.size.height, r.size.width}},
          {"stretch_median", r.stretch_median},
          {"stretch_max", r.stretch_max},
          {"most_stretched", r.most_stretched},
          {"stretched", r.stretched},
          {"enlarged", r.enlarged},
          {"kept_median", r.kept_median}};
}

std::string resize_text(const ResizeLoss& r) {
  return fmt::format(
      "resized  to {}x{}: stretched by {:.2f} (median) to {:.2f}, {} by more than {}; {} enlarged; {:.1f} % "
      "of the "
      "pixels kept (median)\n",
      r.size.height, r.size.width, r.stretch_median, r.stretch_max, r.stretched, ResizeLoss::kMuchStretch,
      r.enlarged, 100 * r.kept_median);
}

std::string pair_text(const char* what, const char* sign, const DuplicatePair& d) {
  return fmt::format("{}{}: {} ({}) {} {} ({})", what, d.labels_differ ? ", in two classes" : "",
                     printable(d.first), d.first_part, sign, printable(d.second), d.second_part);
}

// A line for each of the first items, and how many more there are.
template <class Item, class Text>
std::string listed(const std::vector<Item>& items, Text text) {
  std::string out;
  for (size_t i = 0; i < std::min(kMaxListed, items.size()); i++) out += text(items[i]) + "\n";
  if (items.size() > kMaxListed) out += fmt::format("... and {} more\n", items.size() - kMaxListed);
  return out;
}

}  // namespace

nlohmann::ordered_json doctor_json(const DataReport& r, double per_second) {
  nlohmann::ordered_json j = {{"ok", r.ok()}, {"classes", r.classes}, {"split", r.split_note}};
  for (const PartReport& p : r.parts)
    j["parts"].push_back({{"name", p.name}, {"total", p.total}, {"per_class", p.per_class}});
  j["width"] = {r.width.min, r.width.median, r.width.max};
  j["height"] = {r.height.min, r.height.median, r.height.max};
  j["decoded"] = r.decoded, j["decodes_per_s_and_thread"] = per_second;
  j["unreadable"] = nlohmann::ordered_json::array();
  for (const UnreadableFile& u : r.unreadable)
    j["unreadable"].push_back({{"name", u.name}, {"reason", u.reason}});
  j["duplicates"] = r.duplicates.size(), j["near_duplicates"] = r.near_duplicates.size();
  j["duplicate_pairs"] = pairs_json(r.duplicates), j["near_duplicate_pairs"] = pairs_json(r.near_duplicates);
  j["path_conflicts"] = nlohmann::ordered_json::array();
  for (const PathConflict& c : r.path_conflicts)
    j["path_conflicts"].push_back(
        {{"name", c.name}, {"label", r.classes[size_t(c.label)]}, {"path_says", r.classes[size_t(c.named)]}});
  j["imbalance"] = r.imbalance, j["blank"] = r.blank;
  if (r.decoded > 0) j["resize"] = resize_json(r.resize);
  j["errors"] = r.errors, j["warnings"] = r.warnings;
  return j;
}

std::string doctor_text(const DataReport& r, double per_second) {
  std::string out = fmt::format("\n{:<20}", "class");
  for (const PartReport& p : r.parts) out += fmt::format(" {:>9}", p.name);
  for (size_t k = 0; k < r.classes.size(); k++) {
    out += fmt::format("\n{:<20}", printable(r.classes[k]));
    for (const PartReport& p : r.parts) out += fmt::format(" {:>9}", p.per_class[k]);
  }
  out += fmt::format("\n{:<20}", "all");
  for (const PartReport& p : r.parts) out += fmt::format(" {:>9}", p.total);
  out += fmt::format("\n\nsplit    {}\n", r.split_note);
  if (r.decoded > 0)
    out += fmt::format(
        "pictures {} read; width {} to {} (median {}), height {} to {} (median {}); one thread reads {:.0f} "
        "a second\n",
        r.decoded, r.width.min, r.width.max, r.width.median, r.height.min, r.height.max, r.height.median,
        per_second);
  if (r.decoded > 0) out += resize_text(r.resize);
  out += listed(r.unreadable, [](const UnreadableFile& u) { return "unreadable: " + u.reason; });
  out += listed(r.duplicates, [](const DuplicatePair& d) { return pair_text("same picture twice", "=", d); });
  out += listed(r.near_duplicates, [](const DuplicatePair& d) { return pair_text("look alike", "~", d); });
  out += listed(r.path_conflicts, [&](const PathConflict& c) {
    return fmt::format("labelled '{}', but by its path '{}': {}", printable(r.classes[size_t(c.label)]),
                       printable(r.classes[size_t(c.named)]), printable(c.name));
  });
  for (const std::string& w : r.warnings) out += "warning: " + w + "\n";
  return out + (r.ok() ? "\nThe data can be trained on.\n" : "");
}

}  // namespace gabor
