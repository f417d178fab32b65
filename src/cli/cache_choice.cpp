#include "cli/cache_choice.h"

#include <filesystem>

#include "cli/output_file.h"
#include "cli/run_folder.h"
#include "core/error.h"
#include "core/text.h"
#include "data/cache_folder.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

// JPEG files are decoded at 50 to 100 MB a second and core: below this, an epoch loses a third of a second at most.
constexpr uint64_t kDecodedInAMoment = 16 << 20;

// The folder and, where there is none, the reason.
std::string choose_folder(const TrainSettings& s, std::string& reason) {
  const bool automatic = s.cache == "auto";
  const std::string folder = automatic ? default_cache_folder() : s.cache;
  if (folder.empty()) reason = "neither HOME nor XDG_CACHE_HOME is set (--cache DIR names a folder)";
  if (!automatic) check_outside_data("--cache", folder, {s.data, s.split.val_path});
  if (!folder.empty() && (is_within(folder, s.data) || is_within(folder, s.split.val_path)))
    reason = printable(folder) + " is within the data set (--cache DIR names another)";
  return reason.empty() ? folder : "";
}

CacheOptions cache_options(const TrainSettings& s, const std::string& folder) {
  const Preprocess& p = s.train.preprocess;
  // However the paths are written: with a slash at the end, through a link.
  const auto canonical = [](const std::string& path) {
    std::error_code error;
    return path.empty() ? fs::path() : fs::weakly_canonical(path, error);
  };
  const fs::path data = canonical(s.data);
  const std::string source = data.string() + "\n" + canonical(s.split.val_path).string();
  const std::string name =
      cache_file_name(path_name(data.stem().string()), source, p.height, p.width, p.channels, p.resize);
  constexpr double kGiB = 1 << 30;
  return {.path = folder + "/" + name,
          .version = GABOR_VERSION,
          .height = p.height,
          .width = p.width,
          .channels = p.channels,
          .resize = p.resize,
          .max_bytes = uint64_t(s.cache_limit * kGiB)};
}

std::string describe(PictureCache& cache) {
  const std::string notes = join(cache.take_notes(), "; ");
  if (cache.state() == PictureCache::State::off) return notes.empty() ? "there is no file yet" : notes;
  const std::string file = fmt::format("{} in {}", human_bytes(double(cache.content().file_bytes())),
                                       printable(cache.options().path));
  if (cache.state() == PictureCache::State::ready) return file + ": pictures are not decoded again";
  return file + ": written in the first epoch, read from then on" + (notes.empty() ? "" : "; " + notes);
}

}  // namespace

CacheChoice choose_cache(const TrainSettings& s, const Dataset& dataset,
                         const std::vector<uint32_t>& each_epoch) {
  if (s.cache == "none") return {nullptr, "--cache none says so"};
  std::string reason;
  const std::string folder = choose_folder(s, reason);
  const auto stamp = dataset.stamp();
  if (!stamp) return {nullptr, "the pictures are in memory"};
  if (folder.empty()) return {nullptr, reason};
  const bool quick = s.cache == "auto" && stamp->bytes < kDecodedInAMoment;
  const CacheOptions options = cache_options(s, folder);
  auto cache = std::make_shared<PictureCache>(options, cache_content(dataset, *stamp, options),
                                              quick ? std::vector<uint32_t>{} : each_epoch);
  if (cache->state() == PictureCache::State::off && quick)
    return {nullptr, fmt::format("{} of files are decoded in a moment (gabor cache makes one all the same)",
                                 human_bytes(double(stamp->bytes)))};
  std::string text = describe(*cache);
  if (cache->state() == PictureCache::State::off) cache.reset();
  return {std::move(cache), std::move(text)};
}

}  // namespace gabor
