// The layout of a tree of class folders, from the names alone: the same for a folder and for a .tar.
#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/fingerprint.h"
#include "data/source.h"

namespace gabor {
namespace {

Part part_of(std::string_view folder) {
  if (folder == "train" || folder == "training") return Part::train;
  if (folder == "val" || folder == "valid" || folder == "validation") return Part::val;
  if (folder == "test" || folder == "testing") return Part::test;
  return Part::unsplit;
}

std::string_view first_part(std::string_view path) { return path.substr(0, path.find('/')); }
std::string_view after_first_part(std::string_view path) {
  const size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
}
bool is_nested(std::string_view path) { return path.find('/') != std::string_view::npos; }

// "cats-dogs/" of cats-dogs/train/cat/1.jpg: folders around the whole set say nothing.
std::string wrapper(const std::vector<FileEntry>& entries) {
  std::string prefix;
  while (!entries.empty()) {
    const std::string_view top = first_part(std::string_view(entries[0].name).substr(prefix.size()));
    const bool shared = std::all_of(entries.begin(), entries.end(), [&](const FileEntry& e) {
      const std::string_view rest = std::string_view(e.name).substr(prefix.size());
      return first_part(rest) == top && is_nested(after_first_part(rest));
    });
    if (!shared || part_of(top) != Part::unsplit) return prefix;
    prefix += std::string(top) + "/";
  }
  return prefix;
}

struct Sample {
  uint32_t entry;
  Part part;
  std::string_view class_name;
};

struct Layout {
  size_t skip = 0;     // length of the wrapper
  bool split = false;  // train/ (val/, test/) above the class folders
  std::vector<Sample> samples{};
  std::set<std::string> classes{};          // of train, or of all where there is no train; sorted bytewise
  std::set<std::string> ignored_folders{};  // beside train
  size_t loose_files = 0;                   // not within a class folder

  std::string_view rest_of(std::string_view name) const { return name.substr(std::min(skip, name.size())); }
};

Layout lay_out(const std::vector<FileEntry>& entries) {
  Layout layout{.skip = wrapper(entries).size()};
  layout.split = std::any_of(entries.begin(), entries.end(), [&](const FileEntry& e) {
    const std::string_view rest = layout.rest_of(e.name);
    return part_of(first_part(rest)) == Part::train && is_nested(after_first_part(rest));
  });
  for (size_t i = 0; i < entries.size(); i++) {
    std::string_view rest = layout.rest_of(entries[i].name);
    const Part part = layout.split ? part_of(first_part(rest)) : Part::unsplit;
    if (layout.split && part == Part::unsplit && is_nested(rest)) {
      layout.ignored_folders.emplace(first_part(rest));
      continue;
    }
    if (layout.split) rest = after_first_part(rest);
    if (!is_nested(rest)) {
      layout.loose_files++;
      continue;
    }
    layout.samples.push_back({uint32_t(i), part, first_part(rest)});
    if (part == Part::unsplit || part == Part::train) layout.classes.emplace(first_part(rest));
  }
  return layout;
}

void check(const Layout& layout, const FileSource& files, const std::string& where) {
  if (files.entries.empty())
    fail(ErrorCode::data, where, "has no files{}; expected one folder of pictures for each class",
         files.notes.empty() ? "" : " (" + join(files.notes, "; ") + ")");
  if (layout.samples.empty())
    fail(ErrorCode::data, where,
         "has files but no class folders; put the pictures into one folder for each class");
  for (const Sample& s : layout.samples)
    if (!layout.classes.contains(std::string(s.class_name)))
      fail(ErrorCode::data, where, "'{}' is of the class '{}', which train lacks{}",
           printable(files.entries[s.entry].name), printable(s.class_name),
           suggestion(s.class_name, {layout.classes.begin(), layout.classes.end()}));
}

std::vector<std::string> notes_on(const Layout& layout, const FileSource& files) {
  std::vector<std::string> notes = files.notes;
  if (layout.loose_files > 0)
    notes.push_back(fmt::format("{} files outside class folders were left out", layout.loose_files));
  for (const std::string& folder : layout.ignored_folders)
    notes.push_back(fmt::format("folder '{}' beside train was left out", printable(folder)));
  for (const std::string& folder : files.folders) {
    const std::string_view rest = layout.rest_of(folder);
    const std::string_view class_name = layout.split ? after_first_part(rest) : rest;
    const bool is_class = !class_name.empty() && !is_nested(class_name) &&
                          (!layout.split || part_of(first_part(rest)) == Part::train);
    if (is_class && !layout.classes.contains(std::string(class_name)))
      notes.push_back(fmt::format("class folder '{}' is empty and was left out", printable(class_name)));
  }
  return notes;
}

}  // namespace

Source open_class_folders(std::shared_ptr<const FileSource> files, const std::string& path) {
  const Layout layout = lay_out(files->entries);
  check(layout, *files, printable(path));
  Source source{.notes = notes_on(layout, *files)};
  std::vector<std::string> classes(layout.classes.begin(), layout.classes.end());
  std::vector<LabelledFile> labelled;
  Fingerprint print;
  for (const std::string& c : classes) print.add(c);
  for (const Sample& s : layout.samples) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), s.class_name);
    labelled.push_back({s.entry, int32_t(at - classes.begin())});
    source.part.push_back(s.part);
    print.add(std::string(layout.rest_of(files->entries[s.entry].name)));
    print.add(files->entries[s.entry].bytes);
  }
  source.fingerprint = print.value();
  source.dataset = make_file_dataset(std::move(files), std::move(labelled), std::move(classes));
  return source;
}

}  // namespace gabor
