#include "report/tensorboard.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>

namespace gabor {
namespace {

TEST(Crc32c, KnownAnswers) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);              // the catalogue's check value
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);    // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);  // RFC 3720, B.4
}

// A reader of its own: protobuf wire format, as much as events need.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }
  uint64_t fixed(int n) {
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v |= uint64_t(uint8_t(bytes_.at(size_t(i)))) << (8 * i);
    bytes_.remove_prefix(size_t(n));
    return v;
  }
  uint64_t varint() {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
      const uint64_t b = fixed(1);
      v |= (b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
  }
  std::string_view take(size_t n) {
    const std::string_view out = bytes_.substr(0, n);
    EXPECT_EQ(out.size(), n);
    bytes_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view bytes_;
};

struct ReadEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string version;
  std::map<std::string, float> scalars;
};

std::pair<std::string, float> read_value(std::string_view bytes) {
  Reader r(bytes);
  EXPECT_EQ(r.varint(), 1u << 3 | 2u);
  const std::string tag(r.take(r.varint()));
  EXPECT_EQ(r.varint(), 2u << 3 | 5u);
  const float v = std::bit_cast<float>(uint32_t(r.fixed(4)));
  EXPECT_TRUE(r.done());
  return {tag, v};
}

ReadEvent read_event(std::string_view bytes) {
  ReadEvent e;
  for (Reader r(bytes); !r.done();) switch (r.varint()) {
      case 1 << 3 | 1:
        e.wall_time = std::bit_cast<double>(r.fixed(8));
        break;
      case 2 << 3 | 0:
        e.step = int64_t(r.varint());
        break;
      case 3 << 3 | 2:
        e.version = r.take(r.varint());
        break;
      case 5 << 3 | 2:
        for (Reader s(r.take(r.varint())); !s.done();) {
          EXPECT_EQ(s.varint(), 1u << 3 | 2u);
          e.scalars.insert(read_value(s.take(s.varint())));
        }
        break;
      default:
        ADD_FAILURE() << "unknown field";
        return e;
    }
  return e;
}

std::vector<ReadEvent> read_records(const std::string& bytes) {
  std::vector<ReadEvent> events;
  for (Reader r(bytes); !r.done();) {
    const std::string length(r.take(8));
    EXPECT_EQ(r.fixed(4), masked_crc32c(length));
    const std::string_view data = r.take(Reader(length).fixed(8));
    EXPECT_EQ(r.fixed(4), masked_crc32c(data));
    events.push_back(read_event(data));
  }
  return events;
}

TEST(TensorBoard, WritesWhatAReaderReads) {
  const std::string folder = testing::TempDir() + "gabor_tensorboard";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  {
    TensorBoard board(folder);
    board.on_start({});
    EpochRecord e;
    e.global_step = 300;
    e.train_loss = 0.5, e.train_acc = 0.75, e.val_loss = 0.25, e.val_acc = 0.875, e.lr = 0.001,
    e.images_per_s = 99;
    board.on_epoch(e);
    e.global_step = 600;
    e.val_loss = e.val_acc = std::numeric_limits<double>::quiet_NaN();
    board.on_epoch(e);
  }
  const auto entry = std::filesystem::directory_iterator(folder)->path();
  EXPECT_EQ(entry.filename().string().find("events.out.tfevents."), 0u);
  std::ifstream file(entry, std::ios::binary);
  const auto events = read_records(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_GT(events[0].wall_time, 1.6e9);
  EXPECT_EQ(events[1].step, 300);
  EXPECT_EQ(events[1].scalars.size(), 6u);
  EXPECT_EQ(events[1].scalars.at("loss/train"), 0.5f);
  EXPECT_EQ(events[1].scalars.at("accuracy/val"), 0.875f);
  EXPECT_EQ(events[2].step, 600);
  EXPECT_FALSE(events[2].scalars.contains("loss/val")) << "there was no validation";
}

}  // namespace
}  // namespace gabor
