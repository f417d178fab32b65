#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/augment_option.h"
#include "cli/commands.h"
#include "cli/option_values.h"
#include "cli/output_file.h"
#include "cli/train_settings.h"
#include "core/error.h"
#include "core/text.h"
#include "data/augment/augment_sheet.h"
#include "data/decode.h"
#include "data/file.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

constexpr ImageSize kUsualSize{96, 96};

struct Request {
  TrainSettings settings;
  std::string data, out;
  int pictures = 6, epochs = 15;
};

bool read(const Invocation& call, Request& r) {
  CommandLine line(
      call, "augment",
      "Draws what --augment makes of pictures: each as it is, then as the epochs of a run would train "
      "on it.");
  line.positional("DATA", "as for train, or one picture file", r.data, true);
  for (const Setting& setting : train_setting_table())
    for (const char* wanted : {"augment", "size", "channels", "resize", "seed"})
      if (setting.name == wanted)
        line.option("--" + setting.name, setting.placeholder, setting.help,
                    [&r, name = setting.name](const std::string& v) {
                      apply_setting(r.settings, name, v, "option");
                    });
  line.option("--pictures", "N", "training pictures, evenly spread over DATA (6)",
              [&](const std::string& v) { r.pictures = int(parse_whole("--pictures", v, 1, 100)); });
  line.option("--epochs", "N", "variants of each (15)",
              [&](const std::string& v) { r.epochs = int(parse_whole("--epochs", v, 1, 100)); });
  line.option("--out", "FILE", "the PNG to write", [&](const std::string& v) { r.out = v; });
  if (!line.parse()) return false;
  if (r.settings.train.augment == AugmentSpec{})
    fail(ErrorCode::usage, "--augment", "is needed: what to draw, e.g. --augment flip,crop,color");
  if (r.out.empty()) fail(ErrorCode::usage, "--out", "is needed: the PNG to write, e.g. --out sheet.png");
  check_writable("--out", r.out);
  return true;
}

// As the loader makes it, before augmentation.
Image at_input_size(const Image& image, const TrainSettings& s, ImageSize usual) {
  const ImageSize size = s.size.height ? s.size : usual;
  Image out;
  out.reshape(size.height, size.width, image.channels);
  resize(image, size.height, size.width, s.train.preprocess.resize, out.pixels.data());
  return out;
}

std::vector<AugmentedPicture> one_picture(const std::string& path, const TrainSettings& s) {
  const DecodeLimits limits;
  const Image image = decode(read_file(path, uint64_t(limits.max_file_bytes)), printable(path),
                             s.channels ? s.channels : 3, limits);
  return {{fs::path(path).filename().string(), 0, at_input_size(image, s, kUsualSize)}};
}

std::vector<AugmentedPicture> some_of(const DataSplits& data, size_t wanted, const TrainSettings& s) {
  const Dataset& dataset = *data.dataset;
  const size_t count = std::min(wanted, data.train.size());
  std::vector<AugmentedPicture> out;
  for (size_t k = 0; k < count; k++) {
    const uint32_t sample = data.train[k * data.train.size() / count];
    const Image image = dataset.load(sample, s.channels ? s.channels : dataset.channels());
    out.push_back(
        {dataset.name(sample), sample, at_input_size(image, s, dataset.native_size().value_or(kUsualSize))});
  }
  return out;
}

bool is_picture(const std::string& path) {
  const fs::path name(path);
  std::error_code error;  // what cannot be looked at is no data set either, and is refused as such
  return fs::is_regular_file(name, error) && name.extension() != ".tar" && name.extension() != ".csv";
}

int draw(const Request& r) {
  const TrainSettings& s = r.settings;
  const std::vector<AugmentedPicture> pictures =
      is_picture(r.data) ? one_picture(r.data, s)
                         : some_of(open_data(r.data, s.split), size_t(r.pictures), s);
  if (pictures.size() == 1 && s.train.augment.mixes())
    fail(ErrorCode::usage, "--augment",
         "mixup and cutmix mix pictures; give a data set, and 2 --pictures or more");
  const std::vector<uint8_t> png = augment_sheet(pictures, s.train.augment, s.train.seed, r.epochs);
  write_text(r.out, {png.begin(), png.end()});
  fmt::print("written  {}: {} of {}, each as it is and as {} epochs would train on it\n", printable(r.out),
             augment_text(s.train.augment),
             pictures.size() == 1 ? "1 picture" : fmt::format("{} pictures", pictures.size()), r.epochs);
  return 0;
}

}  // namespace

int augment_command(const Invocation& call) {
  Request request;
  return read(call, request) ? draw(request) : 0;
}

}  // namespace gabor
