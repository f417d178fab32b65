#include "train/preprocess.h"

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace gabor {
namespace {
constexpr const char* kScalings[] = {"unit", "centered", "none"};

// x = (pixel - mean) / deviation
struct Moments {
  double mean, deviation;
};

Moments moments_of(Scaling scaling) {
  switch (scaling) {
    case Scaling::unit:
      return {0, 255};
    case Scaling::centered:
      return {127.5, 127.5};
    case Scaling::none:
      break;
  }
  return {0, 1};
}

}  // namespace

const char* name_of(Scaling scaling) { return kScalings[int(scaling)]; }

bool parse_scaling(const std::string& name, Scaling& out) {
  for (int k = 0; k < int(std::size(kScalings)); k++)
    if (name == kScalings[k]) return out = Scaling(k), true;
  return false;
}

Normalize Preprocess::normalize() const {
  const Moments moments = moments_of(scaling);
  Normalize n;
  n.scale.fill(float(1 / moments.deviation));
  n.shift.fill(float((0 - moments.mean) / moments.deviation));
  return n;
}

std::string to_json(const Preprocess& p) {
  const Moments moments = moments_of(p.scaling);
  const nlohmann::json j = {{"height", p.height},
                            {"width", p.width},
                            {"channels", p.channels},
                            {"color", p.channels == 1 ? "gray" : "rgb"},
                            {"exif", "applied"},
                            {"resize", name_of(p.resize)},
                            {"scaling", name_of(p.scaling)},
                            {"mean", moments.mean},  // for other programs; read back is `scaling`
                            {"std", moments.deviation}};
  return j.dump();
}

Preprocess preprocess_from_json(const std::string& text, const std::string& where) {
  try {
    const auto j = nlohmann::json::parse(text);
    Preprocess p;
    p.height = j.at("height").get<int>();
    p.width = j.at("width").get<int>();
    p.channels = j.at("channels").get<int>();
    p.resize = resize_from_name(j.at("resize").get<std::string>());
    const bool sizes = p.height > 0 && p.height <= 32768 && p.width > 0 && p.width <= 32768 &&
                       (p.channels == 1 || p.channels == 3);
    if (sizes && parse_scaling(j.at("scaling").get<std::string>(), p.scaling)) return p;
  } catch (const nlohmann::json::exception&) {
  } catch (const Error&) {
  }
  fail(ErrorCode::checkpoint, where, "its preprocessing record is damaged or from a newer gabor: {}",
       text.substr(0, 200));
}

}  // namespace gabor
