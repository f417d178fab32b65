#include "report/tensorboard.h"

#include <array>
#include <bit>
#include <chrono>
#include <cmath>

#include "core/error.h"

namespace gabor {
namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; bit++) c = (c >> 1) ^ (c & 1 ? 0x82F63B78u : 0u);
    table[i] = c;
  }
  return table;
}

void put_fixed(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out += char(value >> (8 * i));
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += char(value | 0x80);
  out += char(value);
}

// Protobuf's wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
void put_key(std::string& out, int field, int wire_type) {
  put_varint(out, uint64_t(field << 3 | wire_type));
}

void put_double(std::string& out, int field, double value) {
  put_key(out, field, 1), put_fixed(out, std::bit_cast<uint64_t>(value), 8);
}

void put_float(std::string& out, int field, float value) {
  put_key(out, field, 5), put_fixed(out, std::bit_cast<uint32_t>(value), 4);
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_key(out, field, 2), put_varint(out, bytes.size());
  out += bytes;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t c = ~0u;
  for (unsigned char b : bytes) c = kTable[(c ^ b) & 0xff] ^ (c >> 8);
  return ~c;
}

uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

std::string tf_record(std::string_view data) {
  std::string out;
  put_fixed(out, data.size(), 8);
  put_fixed(out, masked_crc32c(out), 4);
  out += data;
  put_fixed(out, masked_crc32c(data), 4);
  return out;
}

std::string version_event(double wall_time) {
  std::string event;
  put_double(event, 1, wall_time);
  put_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(double wall_time, int64_t step,
                         const std::vector<std::pair<std::string, float>>& scalars) {
  std::string summary;
  for (const auto& [tag, number] : scalars) {
    std::string value;
    put_bytes(value, 1, tag);
    put_float(value, 2, number);
    put_bytes(summary, 1, value);
  }
  std::string event;
  put_double(event, 1, wall_time);
  put_key(event, 2, 0), put_varint(event, uint64_t(step));
  put_bytes(event, 5, summary);
  return event;
}

void TensorBoard::on_start(const RunInfo&) {
  const double time = now();
  file_ = std::make_unique<RowFile>(fmt::format("{}/events.out.tfevents.{}.gabor", folder_, int64_t(time)));
  if (file_->empty()) file_->append(tf_record(version_event(time)));
}

void TensorBoard::on_epoch(const EpochRecord& e) {
  GABOR_CHECK(file_);
  std::vector<std::pair<std::string, float>> scalars = {{"loss/train", float(e.train_loss)},
                                                        {"accuracy/train", float(e.train_acc)},
                                                        {"learning_rate", float(e.lr)},
                                                        {"images_per_s", float(e.images_per_s)}};
  if (!std::isnan(e.val_loss)) {
    scalars.emplace_back("loss/val", float(e.val_loss));
    scalars.emplace_back("accuracy/val", float(e.val_acc));
  }
  file_->append(tf_record(scalar_event(now(), e.global_step, scalars)));
}

}  // namespace gabor
