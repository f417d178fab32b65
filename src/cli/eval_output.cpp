#include "cli/eval_output.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace gabor {
namespace {

constexpr int kMaxMatrix = 20;

std::string share(double v) { return std::isnan(v) ? "-" : fmt::format("{:.4f}", v); }

int64_t count(const EvalResult& r, int t, int p) {
  return r.confusion[size_t(t) * size_t(r.classes) + size_t(p)];
}

int64_t row_total(const EvalResult& r, int t) {
  int64_t n = 0;
  for (int p = 0; p < r.classes; p++) n += count(r, t, p);
  return n;
}

}  // namespace

std::string eval_text(const EvalResult& r, const std::vector<std::string>& classes) {
  std::string out =
      fmt::format("accuracy  {:.4f}  ({} of {} pictures)\n", r.accuracy(), r.correct, r.samples);
  if (r.classes > 5) out += fmt::format("top 5     {:.4f}\n", r.top5());
  out += fmt::format("loss      {:.4f}\n\n", r.loss);
  size_t width = 5;
  for (const auto& c : classes) width = std::max(width, printable(c).size());
  out += fmt::format("{:<{}}  {:>8}  {:>9}  {:>6}\n", "class", width, "pictures", "precision", "recall");
  for (int k = 0; k < r.classes; k++)
    out += fmt::format("{:<{}}  {:>8}  {:>9}  {:>6}\n", printable(classes[size_t(k)]), width, row_total(r, k),
                       share(r.precision(k)), share(r.recall(k)));
  if (r.classes > kMaxMatrix) return out;
  out += "\nconfusion matrix (rows: what it is, columns: what it was taken for)\n";
  for (int t = 0; t < r.classes; t++) {
    out += fmt::format("{:<{}}", printable(classes[size_t(t)]), width);
    for (int p = 0; p < r.classes; p++) out += fmt::format(" {:>6}", count(r, t, p));
    out += '\n';
  }
  return out;
}

nlohmann::ordered_json eval_json(const EvalResult& r, const std::vector<std::string>& classes) {
  nlohmann::ordered_json j = {
      {"samples", r.samples}, {"correct", r.correct}, {"accuracy", r.accuracy()}, {"loss", r.loss}};
  if (r.classes > 5) j["top5"] = r.top5();
  for (int k = 0; k < r.classes; k++) {
    j["classes"].push_back({{"name", classes[size_t(k)]},
                            {"samples", row_total(r, k)},
                            {"precision", r.precision(k)},  // NaN is written as null
                            {"recall", r.recall(k)}});
    auto row = nlohmann::ordered_json::array();
    for (int p = 0; p < r.classes; p++) row.push_back(count(r, k, p));
    j["confusion"].push_back(row);
  }
  return j;
}

void print_json(const nlohmann::ordered_json& object) {
  const std::string line =
      object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  std::fputs(line.c_str(), stdout);
}

}  // namespace gabor
