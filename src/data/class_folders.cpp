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

}  // namespace

Source open_class_folders(std::shared_ptr<const FileSource> files, const std::string& path) {
  const std::string where = printable(path);
  const auto& entries = files->entries;
  Source source{.notes = files->notes};
  if (entries.empty())
    fail(ErrorCode::data, where, "has no files{}; expected one folder of pictures for each class",
         files->notes.empty() ? "" : " (" + join(files->notes, "; ") + ")");
  const size_t skip = wrapper(entries).size();
  const auto rest_of = [&](const std::string& name) {
    return std::string_view(name).substr(std::min(skip, name.size()));
  };
  const bool split = std::any_of(entries.begin(), entries.end(), [&](const FileEntry& e) {
    return part_of(first_part(rest_of(e.name))) == Part::train &&
           is_nested(after_first_part(rest_of(e.name)));
  });

  std::vector<Sample> samples;
  std::set<std::string> class_names, ignored_folders;
  size_t loose = 0;
  for (size_t i = 0; i < entries.size(); i++) {
    std::string_view rest = rest_of(entries[i].name);
    const Part part = split ? part_of(first_part(rest)) : Part::unsplit;
    if (split && part == Part::unsplit && is_nested(rest)) {
      ignored_folders.emplace(first_part(rest));
      continue;
    }
    if (split) rest = after_first_part(rest);
    if (!is_nested(rest)) {
      loose++;
      continue;
    }
    samples.push_back({uint32_t(i), part, first_part(rest)});
    if (part == Part::unsplit || part == Part::train) class_names.emplace(first_part(rest));
  }
  if (samples.empty())
    fail(ErrorCode::data, where,
         "has files but no class folders; put the pictures into one folder for each class");
  for (const Sample& s : samples)
    if (!class_names.contains(std::string(s.class_name)))
      fail(ErrorCode::data, where, "'{}' is of the class '{}', which train lacks{}",
           printable(entries[s.entry].name), printable(s.class_name),
           suggestion(s.class_name, {class_names.begin(), class_names.end()}));
  if (loose > 0) source.notes.push_back(fmt::format("{} files outside class folders were left out", loose));
  for (const std::string& folder : ignored_folders)
    source.notes.push_back(fmt::format("folder '{}' beside train was left out", printable(folder)));
  for (const std::string& folder : files->folders) {
    const std::string_view rest = folder.size() > skip ? rest_of(folder) : std::string_view();
    const std::string_view class_name = split ? after_first_part(rest) : rest;
    const bool is_class =
        !class_name.empty() && !is_nested(class_name) && (!split || part_of(first_part(rest)) == Part::train);
    if (is_class && !class_names.contains(std::string(class_name)))
      source.notes.push_back(
          fmt::format("class folder '{}' is empty and was left out", printable(class_name)));
  }

  std::vector<std::string> classes(class_names.begin(), class_names.end());  // std::set: sorted bytewise
  std::vector<LabelledFile> labelled;
  Fingerprint print;
  for (const std::string& c : classes) print.add(c);
  for (const Sample& s : samples) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), s.class_name);
    labelled.push_back({s.entry, int32_t(at - classes.begin())});
    source.part.push_back(s.part);
    print.add(std::string(rest_of(entries[s.entry].name)));
    print.add(entries[s.entry].bytes);
  }
  source.fingerprint = print.value();
  source.dataset = make_file_dataset(std::move(files), std::move(labelled), std::move(classes));
  return source;
}

}  // namespace gabor
