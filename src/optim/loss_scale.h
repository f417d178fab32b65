// The factor that the loss, and so every gradient, is multiplied by, where gradients are stored in f16: those below 6e-8
// would be lost. (Micikevicius et al.: "Mixed Precision Training", 2018; the rule is that of NVIDIA's and PyTorch's
// scalers.) It begins at 2^16. Where a step's gradients are not all numbers, its update has moved nothing, and the scale
// is halved; after kPatience steps in a row where they are, it is doubled; always within 1 and 2^24.
#pragma once
#include <cstdint>
#include <optional>

namespace gabor {

// What became of a step.
struct ScaledStep {
  float scale = 1;     // that it ran with
  bool finite = true;  // all of its gradients
};

// What a checkpoint keeps.
struct LossScaleState {
  float scale = 65536;
  int good = 0;                      // steps in a row, since the last change
  std::optional<ScaledStep> last{};  // the last one that is finished, not yet in the two above
};

class LossScale {
 public:
  static constexpr float kLeast = 1, kMost = 16777216;
  static constexpr int kPatience = 1000;

  explicit LossScale(const LossScaleState& state = {}) : state_(state) {}
  const LossScaleState& state() const { return state_; }  // to be kept once all steps that began are finished

  // The scale of the step that begins. It heeds the outcomes of all steps but the one before: a GPU may still be at work on
  // that, and the same run has the same scales on every device. All steps before that one are finished.
  float begin_step();
  void finish_step(const ScaledStep& step);  // of the oldest step that is not finished

 private:
  void heed_last();
  LossScaleState state_;
  int unfinished_ = 0;  // steps
};

}  // namespace gabor
