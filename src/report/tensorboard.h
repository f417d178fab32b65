#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/row_file.h"
#include "train/records.h"

namespace gabor {

// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), and TFRecord's masked form of it: rotated right by
// 15 bits, plus 0xa282ead8.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// One TFRecord: u64 length, masked CRC of these 8 bytes, data, masked CRC of the data; little-endian.
std::string tf_record(std::string_view data);

// Serialised tensorflow.Event messages (tensorflow/core/util/event.proto), written by hand: field 1 wall_time
// (double), 2 step (int64), 3 file_version (string), 5 summary {1 value {1 tag, 2 simple_value (float)}}.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, int64_t step,
                         const std::vector<std::pair<std::string, float>>& scalars);

// Writes folder/events.out.tfevents.TIME.gabor, which TensorBoard reads: loss, accuracy, rate and speed by
// step. A resumed run begins a file of its own; TensorBoard joins them.
class TensorBoard : public Observer {
 public:
  explicit TensorBoard(std::string folder) : folder_(std::move(folder)) {}
  void on_start(const RunInfo& run) override;
  void on_epoch(const EpochRecord& e) override;

 private:
  std::string folder_;
  std::unique_ptr<RowFile> file_;
};

}  // namespace gabor
