#include "report/progress.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

namespace gabor {
namespace {

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

class Progress : public ::testing::Test {
 protected:
  std::string text() {
    std::string out(4096, '\0');
    std::rewind(stream.get());
    out.resize(std::fread(out.data(), 1, out.size(), stream.get()));
    return out;
  }
  std::unique_ptr<std::FILE, CloseFile> stream{std::tmpfile()};
};

StepRecord step() {
  StepRecord s;
  s.epoch = 2, s.epochs = 5, s.step = 12, s.steps = 126;
  s.loss = 0.69314, s.accuracy = 0.5, s.lr = 0.001;
  s.images_per_s = 312.4, s.data_wait_pct = 3.2, s.seconds_left = 125;
  return s;
}

TEST_F(Progress, ShowsWhatDecidesWhetherToWait) {
  EXPECT_EQ(progress_text(step()),
            "epoch 2/5  step 12/126  loss 0.6931  acc 0.5000  2 min 05 s left  312 images/s, 3 % waiting for "
            "data  lr 0.001");
  StepRecord decoded = step();
  decoded.picture = {12.34, 0.456};
  EXPECT_EQ(progress_text(decoded),
            "epoch 2/5  step 12/126  loss 0.6931  acc 0.5000  2 min 05 s left  312 images/s, 3 % waiting for "
            "data (decoding 12 ms, resizing 0.46 ms a picture)  lr 0.001");
  StepRecord v = step();
  v.validating = true;
  EXPECT_EQ(progress_text(v), "epoch 2/5  validating 12/126  2 min 05 s left");
}

TEST_F(Progress, EpochWithoutValidationSaysNothingOfIt) {
  EpochRecord e;
  e.epoch = 1, e.epochs = 3, e.train_loss = 1.5, e.train_acc = 0.25, e.seconds = 12.34, e.images_per_s = 50;
  e.val_loss = e.val_acc = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(epoch_text(e), "epoch 1/3  loss 1.5000  acc 0.2500  12.3 s  50 images/s, 0 % waiting for data");
  e.val_loss = 1, e.val_acc = 0.5, e.best = true, e.bad_files = 2;
  EXPECT_EQ(epoch_text(e),
            "epoch 1/3  loss 1.5000  acc 0.2500  val loss 1.0000  val acc 0.5000  12.3 s  50 images/s, 0 % "
            "waiting for "
            "data  2 bad files  best");
  e.val_loss = NAN, e.best = false, e.bad_files = 0, e.skipped = 1, e.loss_scale = 32768;
  EXPECT_EQ(epoch_text(e),
            "epoch 1/3  loss 1.5000  acc 0.2500  12.3 s  50 images/s, 0 % waiting for data  1 step skipped "
            "(loss scale "
            "32768)");
}

TEST_F(Progress, PlainLinesComeAtTheirInterval) {
  ProgressLine p(stream.get(), {.interval = std::chrono::hours(1)});
  for (int i = 0; i < 100; i++) p.on_step(step());
  EXPECT_EQ(text(), "") << "no interval has passed";
  ProgressLine often(stream.get(), {.interval = std::chrono::milliseconds(0)});
  often.on_step(step());
  often.on_step(step());
  const std::string line = progress_text(step()) + "\n";
  EXPECT_EQ(text(), line + line);
}

TEST_F(Progress, TerminalLineIsRewrittenCutAndRemoved) {
  {
    ProgressLine p(stream.get(), {.terminal = true, .columns = 20});
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(250)) p.on_step(step());
  }
  const std::string shown = text(), cut = progress_text(step()).substr(0, 19), wipe = "\r\x1b[K";
  ASSERT_EQ(shown.find(cut), 0u) << shown;
  std::string expected;
  while (expected.size() < shown.size()) expected += cut + wipe;
  EXPECT_EQ(shown, expected);
}

TEST_F(Progress, HostileNamesCannotDriveTheTerminal) {
  ProgressLine p(stream.get(), {});
  p.on_warning("skipped \x1b[2Jevil.jpg");
  EXPECT_EQ(text(), "gabor: warning: skipped \\x1b[2Jevil.jpg\n");
}

}  // namespace
}  // namespace gabor
