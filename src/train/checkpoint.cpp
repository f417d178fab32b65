#include "train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/text.h"
#include "data/fingerprint.h"

namespace gabor {
namespace {

using nlohmann::json;
constexpr int kFormat = 1;

json to_json(const LossScaleState& s) {
  json j = {{"scale", s.scale}, {"good", s.good}};
  if (s.last) j["last"] = {{"scale", s.last->scale}, {"finite", s.last->finite}};
  return j;
}

float scale_from(const json& j) {
  const auto scale = j.get<float>();
  int exponent = 0;
  if (!(scale >= LossScale::kLeast && scale <= LossScale::kMost) || std::frexp(scale, &exponent) != 0.5f)
    throw std::range_error(fmt::format("a loss scale of {}", scale));
  return scale;
}

LossScaleState loss_scale_from(const json& j) {
  LossScaleState s;
  s.scale = scale_from(j.at("scale"));
  s.good = std::clamp(j.at("good").get<int>(), 0, LossScale::kPatience - 1);
  if (j.contains("last")) s.last = {scale_from(j["last"].at("scale")), j["last"].at("finite").get<bool>()};
  return s;
}

json to_json(const Progress& p) {
  json j = {{"epoch", p.epoch},
            {"step", p.step},
            {"global_step", p.global_step},
            {"loss_sum", p.loss_sum},
            {"counted", p.counted},
            {"correct", p.correct},
            {"seconds", p.seconds},
            {"best_val_acc", p.best_val_acc},
            {"best_val_loss", p.best_val_loss},
            {"best_epoch", p.best_epoch}};
  if (p.loss_scale) j["skipped"] = p.skipped, j["loss_scale"] = to_json(*p.loss_scale);
  return j;
}

Progress progress_from(const json& j) {
  Progress p;
  j.at("epoch").get_to(p.epoch);
  j.at("step").get_to(p.step);
  j.at("global_step").get_to(p.global_step);
  j.at("loss_sum").get_to(p.loss_sum);
  j.at("counted").get_to(p.counted);
  j.at("correct").get_to(p.correct);
  j.at("seconds").get_to(p.seconds);
  j.at("best_val_acc").get_to(p.best_val_acc);
  j.at("best_val_loss").get_to(p.best_val_loss);
  j.at("best_epoch").get_to(p.best_epoch);
  if (j.contains("loss_scale")) {
    j.at("skipped").get_to(p.skipped);
    p.loss_scale = loss_scale_from(j["loss_scale"]);
  }
  return p;
}

SafeTensor tensor_of(const Parameters& parameters, const ParameterDecl& d, const std::string& prefix,
                     const TensorView& arena) {
  SafeTensor t{prefix + d.name, d.shape, std::vector<float>(size_t(d.shape.count()))};
  parameters.device().copy_from(t.data.data(), static_cast<const float*>(arena.data) + d.offset,
                                t.data.size() * sizeof(float));
  return t;
}

// Of what a self-test is made with, beside the weights, as it stands in the file.
std::string record_hash(const std::map<std::string, std::string>& metadata) {
  Fingerprint print;
  for (const char* key : {"gabor.model", "gabor.classes", "gabor.preprocess", "gabor.loss"})
    print.add(metadata.at(key));
  return fmt::format("{:016x}", print.value());
}

std::string moment_prefix(int i) { return fmt::format("optimizer.{}.", i == 0 ? "m" : "v"); }

}  // namespace

PlanOptions inference_options(const CheckpointInfo& info, int batch) {
  PlanOptions o;
  o.batch = batch;
  o.input = {info.preprocess.height, info.preprocess.width, info.preprocess.channels};
  o.classes = int64_t(info.classes.size());
  o.training = false;
  o.loss = info.loss;
  o.normalize = info.preprocess.normalize();
  return o;
}

void save_checkpoint(const std::string& path, const CheckpointInfo& info, const Parameters& parameters,
                     const OptimizerState* optimizer) {
  SafeTensors file;
  auto& m = file.metadata;
  m["gabor.format"] = std::to_string(kFormat);
  m["gabor.model"] = to_toml(info.graph);
  m["gabor.classes"] = json(info.classes).dump(-1, ' ', false, json::error_handler_t::replace);
  m["gabor.preprocess"] = to_json(info.preprocess);
  m["gabor.layout"] = "conv2d weight KRSC, dense weight KC, flatten HWC";
  m["gabor.loss"] = name_of(info.loss);
  m["gabor.seed"] = std::to_string(info.seed);
  m["gabor.data"] = fmt::format("{:016x}", info.data_fingerprint);
  m["gabor.config"] = info.config;
  m["gabor.progress"] = to_json(info.progress).dump();
  if (const auto& test = info.self_test)  // what was not kept is not confirmed by saving it again
    m["gabor.self_test"] = to_json(*test, test->record_kept ? record_hash(m) : "");
  for (const ParameterDecl& d : parameters.decls())
    file.tensors.push_back(tensor_of(parameters, d, "", parameters.values()));
  if (optimizer) {
    m["gabor.optimizer"] = name_of(optimizer->problem().kind);
    m["gabor.updates"] = std::to_string(optimizer->updates());
    for (int i = 0; i < optimizer->problem().moments(); i++)
      for (const ParameterDecl& d : parameters.decls())
        if (d.trainable)
          file.tensors.push_back(tensor_of(parameters, d, moment_prefix(i), optimizer->moment(i)));
  }
  write_atomically(path, encode_safetensors(file));
}

Checkpoint::Checkpoint(const std::string& path) : path_(printable(path)), file_(read_safetensors(path)) {
  auto text = [&](const std::string& key) -> const std::string& {
    const auto it = file_.metadata.find(key);
    if (it == file_.metadata.end())
      fail(ErrorCode::checkpoint, path_, "is a safetensors file but not a checkpoint of gabor (no '{}')",
           key);
    return it->second;
  };
  if (text("gabor.format") != std::to_string(kFormat))
    fail(ErrorCode::checkpoint, path_, "has format {}; this gabor reads format {}: use a newer one",
         printable(text("gabor.format")), kFormat);
  try {
    info_.graph = parse_model(text("gabor.model"), path_);
    info_.classes = json::parse(text("gabor.classes")).get<std::vector<std::string>>();
    info_.preprocess = preprocess_from_json(text("gabor.preprocess"), path_);
    info_.loss = text("gabor.loss") == name_of(LossKind::mse) ? LossKind::mse : LossKind::softmax_xent;
    info_.seed = std::stoull(text("gabor.seed"));
    info_.data_fingerprint = std::stoull(text("gabor.data"), nullptr, 16);
    info_.config = text("gabor.config");
    info_.progress = progress_from(json::parse(text("gabor.progress")));
    if (file_.metadata.contains("gabor.self_test"))
      info_.self_test = self_test_from_json(text("gabor.self_test"), record_hash(file_.metadata), path_);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::checkpoint) throw;
    fail(ErrorCode::checkpoint, path_, "the model in it is damaged: {}", e.what());
  } catch (const std::exception& e) {  // json and stoull: the record is not what this version writes
    fail(ErrorCode::checkpoint, path_, "its records are damaged: {}", e.what());
  }
  if (int64_t(info_.classes.size()) != info_.graph.classes)
    fail(ErrorCode::checkpoint, path_, "names {} classes but its model has {}", info_.classes.size(),
         info_.graph.classes);
  if (info_.self_test)
    for (const SelfTest::Picture& p : info_.self_test->pictures)
      if (p.logits.size() != info_.classes.size())
        fail(ErrorCode::checkpoint, path_, "its self-test is damaged: {} logits of {} classes",
             p.logits.size(), info_.classes.size());
}

void Checkpoint::load(Parameters& parameters) const {
  size_t own = 0;
  for (const SafeTensor& t : file_.tensors) own += t.name.compare(0, 10, "optimizer.") != 0;
  for (const ParameterDecl& d : parameters.decls()) {
    const SafeTensor* t = file_.find(d.name);
    if (!t) fail(ErrorCode::checkpoint, path_, "has no tensor '{}'; it was made for another model", d.name);
    if (t->shape != d.shape)
      fail(ErrorCode::checkpoint, path_,
           "'{}' is {} but the model needs {}; it was made for another model or input size", d.name,
           t->shape.str(), d.shape.str());
    parameters.device().copy_to(parameters.value(d).data, t->data.data(), t->data.size() * sizeof(float));
  }
  if (own != parameters.decls().size())
    fail(ErrorCode::checkpoint, path_,
         "has {} tensors but the model has {} parameters; it was made for another model", own,
         parameters.decls().size());
}

bool Checkpoint::has_optimizer() const { return file_.metadata.count("gabor.optimizer") > 0; }

void Checkpoint::load(const Parameters& parameters, OptimizerState& optimizer) const {
  if (!has_optimizer())
    fail(ErrorCode::checkpoint, path_,
         "holds weights but no optimizer state, so no run can go on from it; start a new one from it with "
         "--init");
  if (file_.metadata.at("gabor.optimizer") != name_of(optimizer.problem().kind))
    fail(ErrorCode::checkpoint, path_, "was trained with {}, not {}", file_.metadata.at("gabor.optimizer"),
         name_of(optimizer.problem().kind));
  const auto updates = file_.metadata.find("gabor.updates");
  if (updates == file_.metadata.end() || updates->second.empty() || updates->second.size() > 18 ||
      updates->second.find_first_not_of("0123456789") != std::string::npos)
    fail(ErrorCode::checkpoint, path_, "its count of updates is damaged");
  for (int i = 0; i < optimizer.problem().moments(); i++)
    for (const ParameterDecl& d : parameters.decls()) {
      if (!d.trainable) continue;
      const SafeTensor* t = file_.find(moment_prefix(i) + d.name);
      if (!t || t->shape != d.shape)
        fail(ErrorCode::checkpoint, path_, "lacks the optimizer's memory of '{}'", d.name);
      parameters.device().copy_to(static_cast<float*>(optimizer.moment(i).data) + d.offset, t->data.data(),
                                  t->data.size() * sizeof(float));
    }
  optimizer.set_updates(std::stoll(updates->second));
}

}  // namespace gabor
