#include "train/self_test.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base64.h"
#include "core/error.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "data/resize.h"

namespace gabor {
namespace {

using nlohmann::json;

// Pixels and logits of one file, as made here. pixels: memory for the net's input. Throws Error{data} when the file
// cannot be decoded.
SelfTest::Picture run(const std::vector<uint8_t>& file, const Preprocess& p, uint8_t* pixels,
                      Executor& executor) {
  SelfTest::Picture made{file, 0, {}};
  const Image image = decode(file, "a picture of the self-test", p.channels);
  resize(image, p.height, p.width, p.resize, pixels);
  const ConstTensorView input{pixels, {1, p.height, p.width, p.channels}, DType::u8};
  made.pixels = hash_bytes({pixels, input.bytes()});
  const int32_t no_label = -1;
  executor.forward(input, {&no_label, {1}, DType::i32}, 0, {});
  executor.result();  // waits: the input is ours again
  const TensorView logits = executor.logits();
  made.logits.resize(size_t(logits.count()));
  executor.device().copy_from(made.logits.data(), logits.data, logits.bytes());
  return made;
}

HostBuffer input_memory(const Preprocess& p, Executor& executor) {
  executor.reserve(1);
  return {executor.device(), size_t(p.height) * size_t(p.width) * size_t(p.channels)};
}

double largest_of(const std::vector<SelfTest::Picture>& pictures) {
  double largest = 0;
  for (const SelfTest::Picture& p : pictures)
    for (float v : p.logits) largest = std::max(largest, std::fabs(double(v)));
  return largest;
}

// The class whose logit differs most; a difference that is no number counts most of all.
size_t worst_class(const std::vector<float>& then, const std::vector<float>& now) {
  size_t worst = 0;
  double most = -1;
  for (size_t k = 0; k < then.size(); k++) {
    const double d = std::fabs(double(now[k]) - double(then[k]));
    if (d > most || std::isnan(d)) worst = k, most = std::isnan(d) ? HUGE_VAL : d;
  }
  return worst;
}

}  // namespace

double logit_budget(std::span<const ParameterDecl> parameters, double largest_logit) {
  constexpr double kUnitRoundoff = 0x1p-24, kGrowth = 4;
  double sums = 0;
  for (const ParameterDecl& d : parameters)
    if (d.shape.rank() > 1) sums += 4 * std::sqrt(double(d.shape.count() / d.shape[0]));
  return kGrowth * kUnitRoundoff * sums * std::max(1.0, largest_logit);
}

std::optional<SelfTest> make_self_test(std::span<const std::vector<uint8_t>> files, const Preprocess& p,
                                       Executor& executor) {
  SelfTest test{{}, decoder_versions()};
  const HostBuffer pixels = input_memory(p, executor);
  for (const std::vector<uint8_t>& file : files) {
    test.pictures.push_back(run(file, p, static_cast<uint8_t*>(pixels.data()), executor));
    for (float v : test.pictures.back().logits)
      if (!std::isfinite(v)) return std::nullopt;
  }
  return test;
}

SelfTestResult run_self_test(const SelfTest& test, const Preprocess& p,
                             const std::vector<std::string>& classes, const Parameters& parameters,
                             Executor& executor) {
  SelfTestResult r;
  if (!test.record_kept) {
    r.fault = "its model, classes or preprocessing are not those that were saved";
    return r;
  }
  const double budget = logit_budget(parameters.decls(), largest_of(test.pictures));
  const HostBuffer pixels = input_memory(p, executor);
  const std::string decoders = fmt::format("{} then, {} here", printable(test.decoder), decoder_versions());
  for (size_t i = 0; i < test.pictures.size(); i++) try {
      const SelfTest::Picture& then = test.pictures[i];
      const SelfTest::Picture now = run(then.file, p, static_cast<uint8_t*>(pixels.data()), executor);
      const bool same_pixels = now.pixels == then.pixels;
      if (!same_pixels)
        r.note = fmt::format("pictures are not decoded or resized to the same bits as when it was saved ({})",
                             decoders);
      const size_t k = worst_class(then.logits, now.logits);
      const double difference = std::fabs(double(now.logits[k]) - double(then.logits[k]));
      r.worst = std::max(r.worst, std::isnan(difference) ? HUGE_VAL : difference / budget);
      if (difference <= budget) continue;
      r.fault = fmt::format(
          "the logit of '{}' for its test picture {} is {:.6g}, but was {:.6g} when it was saved (rounding "
          "explains {:.1g}); {}",
          printable(classes[k]), i + 1, now.logits[k], then.logits[k], budget,
          same_pixels ? "the pixels are the same, so the weights, the backend or that record are wrong"
                      : fmt::format("pictures are decoded or resized otherwise here ({})", decoders));
      return r;
    } catch (const Error& e) {
      if (e.code() != ErrorCode::data) throw;
      r.fault = fmt::format("its test picture {} cannot be decoded here ({}): {}", i + 1, decoders, e.what());
      return r;
    }
  return r;
}

std::string to_json(const SelfTest& test, const std::string& record) {
  json pictures = json::array();
  for (const SelfTest::Picture& p : test.pictures)
    pictures.push_back(
        {{"file", to_base64(p.file)}, {"pixels", fmt::format("{:016x}", p.pixels)}, {"logits", p.logits}});
  return json({{"record", record}, {"decoder", test.decoder}, {"pictures", pictures}}).dump();
}

SelfTest self_test_from_json(const std::string& text, const std::string& record, const std::string& where) {
  try {
    const json j = json::parse(text);
    SelfTest test{{}, j.at("decoder").get<std::string>(), j.at("record").get<std::string>() == record};
    for (const json& p : j.at("pictures")) {
      auto file = from_base64(p.at("file").get<std::string>());
      if (!file) fail(ErrorCode::checkpoint, where, "its self-test is damaged: a picture is not base64");
      test.pictures.push_back({std::move(*file), std::stoull(p.at("pixels").get<std::string>(), nullptr, 16),
                               p.at("logits").get<std::vector<float>>()});
    }
    if (test.pictures.empty()) fail(ErrorCode::checkpoint, where, "its self-test is damaged: no picture");
    return test;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {  // json and stoull
    fail(ErrorCode::checkpoint, where, "its self-test is damaged: {}", e.what());
  }
}

}  // namespace gabor
