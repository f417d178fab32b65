#include "cli/resident_choice.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "model/nets.h"

namespace gabor {
namespace {

constexpr double kMiB = 1 << 20;

// A GPU as far as the choice looks.
class SmallGpu final : public Device {
 public:
  explicit SmallGpu(size_t free) : free_(free) {}
  DeviceKind kind() const override { return DeviceKind::cuda; }
  std::string name() const override { return "small GPU"; }
  size_t free_bytes() const override { return free_; }
  void* allocate(size_t) override { return nullptr; }
  void release(void*, size_t) noexcept override {}
  void copy_to(void*, const void*, size_t) override {}
  void copy_from(void*, const void*, size_t) override {}
  void zero(void*, size_t) override {}

 private:
  size_t free_;
};

const TrainingMemory kMemory{.arena = 60 * kMiB, .resident = 30 * kMiB};

ResidentChoice choice(const TrainSettings& s, double free_mib = 128) {
  return choose_resident(s, kMemory, SmallGpu(size_t(free_mib * kMiB)));
}

TEST(ResidentChoice, StaysOnAGpuWhereItFits) {
  TrainSettings s;
  EXPECT_TRUE(choice(s).resident);
  EXPECT_EQ(choice(s).text, "stay on the device after the first epoch (30.0 MiB of 128.0 MiB free)");
  s.train.augment.flip = true, s.train.augment.translate = 4;
  EXPECT_TRUE(choice(s).resident);
  EXPECT_FALSE(choice(s, 80).resident);
  EXPECT_EQ(
      choice(s, 80).text,
      "streamed each epoch: with them on the device training needs 90.0 MiB, too much of 80.0 MiB free");
  EXPECT_FALSE(choice(s, 99).resident) << "a tenth is left to others";
  EXPECT_TRUE(choice(s, 101).resident);
}

TEST(ResidentChoice, KeepsToTheLimit) {
  TrainSettings s;
  s.vram = "90MiB";
  EXPECT_EQ(choice(s).text, "stay on the device after the first epoch (30.0 MiB within --vram 90MiB)");
  EXPECT_FALSE(choice(s, 99).resident) << "the GPU has less";
  s.vram = "89MiB";
  EXPECT_FALSE(choice(s, 1000).resident);
}

TEST(ResidentChoice, SaysWhyNot) {
  TrainSettings s;
  EXPECT_EQ(choose_resident(s, kMemory, host_device()).text,
            "streamed each epoch: the CPU reads batches in place (--resident on keeps them)");
  s.train.epochs = 1;
  EXPECT_EQ(choice(s).text, "streamed each epoch: there is but one epoch");
  s.train.augment.color = 0.5;
  EXPECT_EQ(choice(s).text, "streamed each epoch: --augment color:0.5 needs the loader");
  s.resident = "off";
  EXPECT_EQ(choice(s).text, "streamed each epoch: --resident off says so");
}

TEST(ResidentChoice, OnIsAnOrder) {
  TrainSettings s;
  s.resident = "on", s.train.epochs = 1;
  EXPECT_TRUE(choice(s, 91).resident);
  EXPECT_TRUE(choose_resident(s, kMemory, host_device()).resident);
  EXPECT_EQ(
      testing::error_of([&] { choice(s, 80); }),
      "--resident: on needs 90.0 MiB with all that training holds, and the device has 80.0 MiB free; leave "
      "it out to stream the pictures");
  DataSplits data;
  data.train.resize(50);
  EXPECT_EQ(demanded_pictures(s, data), 50);
  s.train.overfit = 8;
  EXPECT_EQ(demanded_pictures(s, data), 8);
  s.resident = "auto";
  EXPECT_EQ(demanded_pictures(s, data), 0);
  EXPECT_EQ(resident_pictures(s, data), 8);
}

}  // namespace
}  // namespace gabor
