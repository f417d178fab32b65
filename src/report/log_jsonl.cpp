#include "report/log_jsonl.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace gabor {
namespace {

using Json = nlohmann::ordered_json;

Json event(const char* name) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {{"event", name}, {"time", std::chrono::duration<double>(now).count()}};
}

// File and class names may be any bytes: what is not UTF-8 is replaced, since JSON cannot hold it.
std::string line(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

void LogJsonl::append(const std::string& line) {
  if (file_)
    file_->append(line);
  else
    pending_ += line;
}

void LogJsonl::on_start(const RunInfo& run) {
  file_ = std::make_unique<RowFile>(path_);
  append(std::exchange(pending_, {}));
  Json j = event(run.resumed ? "resume" : "start");
  j["first_epoch"] = run.first_epoch;
  j["classes"] = run.classes;
  j["train"] = run.train_samples, j["val"] = run.val_samples, j["test"] = run.test_samples;
  j["split"] = run.split_note;
  j["resident"] = run.resident;
  j["device"] = run.device, j["backends"] = run.backends;
  j["preprocess"] = Json::parse(to_json(run.preprocess));
  if (run.plan) {
    j["model"] = run.plan->graph.name, j["parameters"] = run.plan->parameter_count();
    j["fusions"] = run.plan->fusions;
    for (const ChoiceRecord& c : run.plan->choices)
      j["choices"].push_back({{"where", c.where},
                              {"op", c.op},
                              {"problem", c.problem},
                              {"backend", c.backend},
                              {"passed_over", c.passed_over},
                              {"measured", c.measured}});
  }
  append(line(j));
}

void LogJsonl::on_epoch(const EpochRecord& e) {
  Json j = event("epoch");
  j["epoch"] = e.epoch, j["step"] = e.global_step;
  // NaN (no validation set, nothing decoded) becomes null.
  j["train_loss"] = e.train_loss, j["train_acc"] = e.train_acc;
  j["val_loss"] = e.val_loss, j["val_acc"] = e.val_acc;
  j["lr"] = e.lr, j["images_per_s"] = e.images_per_s, j["data_wait_pct"] = e.data_wait_pct;
  j["decode_ms"] = e.picture.decode_ms, j["resize_ms"] = e.picture.resize_ms;
  j["seconds"] = e.seconds, j["best"] = e.best, j["bad_files"] = e.bad_files;
  j["skipped_steps"] = e.skipped, j["loss_scale"] = e.loss_scale;
  append(line(j));
}

void LogJsonl::on_warning(const std::string& text) {
  Json j = event("warning");
  j["text"] = text;
  append(line(j));
}

void LogJsonl::shadow(int64_t step, const std::string& backend, const std::vector<ShadowCheck>& checks) {
  Json j = event("shadow");
  j["step"] = step, j["backend"] = backend;
  j["drift"] = Json::object();
  for (const ShadowCheck& c : checks) j["drift"][c.label] = c.fraction;
  append(line(j));
}

void LogJsonl::breach(int64_t step, const std::string& text, const std::string& file) {
  Json j = event("breach");
  j["step"] = step, j["text"] = text, j["file"] = file;
  append(line(j));
}

void LogJsonl::test_result(const EvalResult& r) {
  Json j = event("test");
  j["samples"] = r.samples, j["accuracy"] = r.accuracy(), j["loss"] = r.loss;
  append(line(j));
}

void LogJsonl::end(bool stopped, int best_epoch, double best_val_acc) {
  Json j = event("end");
  j["stopped"] = stopped;
  if (best_epoch > 0) j["best_epoch"] = best_epoch, j["best_val_acc"] = best_val_acc;
  append(line(j));
}

}  // namespace gabor
