#include "report/metrics_csv.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "core/error.h"
#include "core/text.h"
#include "train/safetensors.h"

namespace gabor {
namespace {

constexpr size_t kOldColumns = 10, kColumns = 12;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string number(double v) { return std::isnan(v) ? "" : fmt::format("{:.7g}", v); }

bool parse(const std::string& line, EpochRecord& e) {
  const std::vector<std::string> cells = split(line, ',');
  if (cells.size() != kOldColumns && cells.size() != kColumns) return false;
  double v[kColumns] = {};
  std::fill(v + kOldColumns, v + kColumns, kNone);
  for (size_t i = 0; i < cells.size(); i++) {
    char* end = nullptr;
    v[i] = cells[i].empty() ? kNone : std::strtod(cells[i].c_str(), &end);
    if (end && *end) return false;
  }
  if (!(v[0] >= 1 && v[0] < 1e9 && v[1] >= 0 && v[1] < 1e18)) return false;
  e.epoch = int(v[0]), e.global_step = int64_t(v[1]);
  e.train_loss = v[2], e.train_acc = v[3], e.val_loss = v[4], e.val_acc = v[5];
  e.lr = v[6], e.images_per_s = v[7], e.data_wait_pct = v[8], e.seconds = v[9];
  e.picture = {v[10], v[11]};
  return true;
}

}  // namespace

std::string metrics_row(const EpochRecord& e) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}", e.epoch, e.global_step, number(e.train_loss),
                     number(e.train_acc), number(e.val_loss), number(e.val_acc), number(e.lr),
                     number(e.images_per_s), number(e.data_wait_pct), number(e.seconds),
                     number(e.picture.decode_ms), number(e.picture.resize_ms));
}

void MetricsCsv::on_start(const RunInfo& run) {
  std::string kept = std::string(kMetricsHeader) + "\n";
  if (run.resumed) {
    const std::string folder = path_.substr(0, path_.rfind('/'));
    for (const EpochRecord& e : read_metrics(folder))
      if (e.epoch < run.first_epoch) kept += metrics_row(e) + "\n";
  }
  write_atomically(path_, {reinterpret_cast<const uint8_t*>(kept.data()), kept.size()});
  file_ = std::make_unique<RowFile>(path_);
}

void MetricsCsv::on_epoch(const EpochRecord& e) {
  GABOR_CHECK(file_);
  file_->append(metrics_row(e) + "\n");
}

std::vector<EpochRecord> read_metrics(const std::string& folder) {
  std::vector<EpochRecord> rows;
  std::ifstream file(folder + "/metrics.csv");
  std::string line;
  const std::string_view header = kMetricsHeader;
  if (!std::getline(file, line) || line.empty() || !header.starts_with(line)) return rows;
  for (EpochRecord e; std::getline(file, line) && parse(line, e);) rows.push_back(e);
  return rows;
}

}  // namespace gabor
