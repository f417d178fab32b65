#include "data/cache_folder.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "data/cache_file.h"
#include "data/fingerprint.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;
constexpr const char* kExtension = ".pixels";

struct Cache {
  fs::path path;
  uint64_t bytes = 0;
  fs::file_time_type used;  // a cache is touched when it is opened
};

// Whole and unfinished caches in the folder, the longest unused first.
std::vector<Cache> caches_in(const fs::path& folder) {
  std::vector<Cache> found;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool ours =
        name.ends_with(kExtension) || name.ends_with(std::string(kExtension) + CacheWriter::kUnfinished);
    std::error_code gone;  // another process may have removed it
    if (!ours || !fs::is_regular_file(entry->symlink_status(gone))) continue;
    const uint64_t bytes = fs::file_size(entry->path(), gone);
    const auto used = fs::last_write_time(entry->path(), gone);
    if (!gone) found.push_back({entry->path(), bytes, used});
  }
  std::sort(found.begin(), found.end(), [](const Cache& a, const Cache& b) { return a.used < b.used; });
  return found;
}

bool remove_cache(const fs::path& path) {
  if (path.extension() == CacheWriter::kUnfinished) return remove_if_abandoned(path.string());
  std::error_code error;
  return fs::remove(path, error);
}

}  // namespace

std::string default_cache_folder() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value && value[0] == '/' ? value : "";  // relative ones are to be ignored, says the XDG standard
  };
  if (const std::string xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/gabor";
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.cache/gabor";
}

std::string cache_file_name(const std::string& name, const std::string& source, int height, int width,
                            int channels, Resize resize) {
  Fingerprint print;
  print.add(source);
  return fmt::format("{}-{}x{}x{}-{}-{:016x}{}", name, height, width, channels, name_of(resize),
                     print.value(), kExtension);
}

std::string make_cache_room(const std::string& path, uint64_t needed, uint64_t max_bytes) {
  if (needed > max_bytes)
    return fmt::format("it needs {}, over the limit of {} for all caches (--cache-limit)",
                       human_bytes(double(needed)), human_bytes(double(max_bytes)));
  const fs::path folder = fs::path(path).parent_path();
  std::vector<Cache> others = caches_in(folder);
  std::erase_if(others, [&](const Cache& c) { return c.path.string().starts_with(path); });
  uint64_t total = needed;
  for (const Cache& c : others) total += c.bytes;
  for (const Cache& c : others)
    if (total > max_bytes && remove_cache(c.path)) total -= c.bytes;
  if (total > max_bytes)
    return fmt::format("the caches in {} would take {}, over the limit of {} (--cache-limit)",
                       printable(folder.string()), human_bytes(double(total)),
                       human_bytes(double(max_bytes)));
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (!error && needed > space.available / 2)
    return fmt::format("it needs {}, more than half of the {} that are free in {}",
                       human_bytes(double(needed)), human_bytes(double(space.available)),
                       printable(folder.string()));
  return "";
}

}  // namespace gabor
