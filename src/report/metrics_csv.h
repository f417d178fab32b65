#pragma once
#include <memory>
#include <string>
#include <vector>

#include "report/row_file.h"
#include "train/records.h"

namespace gabor {

// The columns of metrics.csv, a contract (README, "The run folder").
inline constexpr const char* kMetricsHeader =
    "epoch,step,train_loss,train_acc,val_loss,val_acc,lr,images_per_s,data_wait_pct,seconds,"
    "decode_ms,resize_ms";

// One row, without the line end. step counts all steps of the run; values that do not exist are empty.
std::string metrics_row(const EpochRecord& e);

// Writes folder/metrics.csv, one row an epoch. A resumed run goes on in the same file; rows of epochs that it
// runs again are dropped first.
class MetricsCsv : public Observer {
 public:
  explicit MetricsCsv(std::string folder) : path_(std::move(folder) + "/metrics.csv") {}
  void on_start(const RunInfo& run) override;
  void on_epoch(const EpochRecord& e) override;

 private:
  std::string path_;
  std::unique_ptr<RowFile> file_;
};

// The rows of folder/metrics.csv; empty when there is none. Those of an older gabor lack the last two columns. A row that is not whole ends the reading.
std::vector<EpochRecord> read_metrics(const std::string& folder);

}  // namespace gabor
