#include "data/demo_set.h"

#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <system_error>

#include "core/error.h"
#include "core/parallel.h"
#include "core/philox.h"
#include "core/text.h"
#include "data/demo_brush.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

constexpr int kVersion = 1;  // raised when the drawing changes: old folders are then drawn anew
constexpr const char* kMarker = ".gabor-demo";  // hidden: no data set walk sees it

std::string marker_text(const DemoOptions& o) {
  return fmt::format("gabor demo set, version {}, count {}, seed {}\n", kVersion, o.count, o.seed);
}

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

fs::path picture_path(const fs::path& folder, int index) {
  return folder / (index % 2 ? "dog" : "cat") / fmt::format("{:04}.jpg", index / 2);
}

bool is_complete(const fs::path& folder, const DemoOptions& options) {
  if (content_of(folder / kMarker) != marker_text(options)) return false;
  for (int i = 0; i < options.count; i++)
    if (!fs::is_regular_file(picture_path(folder, i))) return false;
  return true;
}

void write_picture(const fs::path& path, int index, const DemoOptions& options) {
  Random random({.seed = options.seed, .purpose = Purpose::demo, .b = uint32_t(index)});
  const cv::Mat picture = demo::draw_scene(index % 2 == 1, random);
  std::vector<uint8_t> jpeg;
  cv::imencode(".jpg", picture, jpeg, {cv::IMWRITE_JPEG_QUALITY, int(60 + random.below(36))});
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(jpeg.data()), std::streamsize(jpeg.size()));
  out.close();
  if (!out)
    fail(ErrorCode::data, printable(path.string()),
         "cannot be written; is the disk full or the folder read-only?");
}

// An earlier demo set may be replaced; anything else in there is not ours to delete.
void clear(const fs::path& folder) {
  if (fs::exists(folder) && !fs::is_empty(folder) && !fs::exists(folder / kMarker))
    fail(ErrorCode::data, printable(folder.string()),
         "is not empty and holds no demo set; name another folder");
  for (const char* name : {"cat", "dog"}) {
    fs::remove_all(folder / name);
    fs::create_directories(folder / name);
  }
}

}  // namespace

DataSplits make_demo_set(const std::string& folder, const DemoOptions& options, const SplitOptions& split) {
  if (options.count < 8 || options.count > 20000)
    fail(ErrorCode::usage, "demo set", "count is {}; expected 8 to 20000", options.count);
  try {
    if (!is_complete(folder, options)) {
      clear(folder);
      std::ofstream(fs::path(folder) / kMarker)
          << "incomplete\n";  // so that an interrupted run can be replaced
      parallel_for(options.count,
                   [&](int64_t i) { write_picture(picture_path(folder, int(i)), int(i), options); });
      std::ofstream marker(fs::path(folder) / kMarker);
      marker << marker_text(options);
      marker.close();
      if (!marker) fail(ErrorCode::data, printable(folder), "cannot be written; is the disk full?");
    }
  } catch (const fs::filesystem_error& e) {
    fail(ErrorCode::data, printable(folder), "the demo set cannot be written: {}; name a writable folder",
         e.code().message());
  }
  return open_data(folder, split);
}

}  // namespace gabor
