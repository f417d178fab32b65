// A checkpoint's test of itself: four pictures as files, and what the net made of them when it was saved. Where others
// load it (another machine, backend or version of a library) the files are decoded, resized and run again: logits that
// differ by more than rounding tell that this net would not be fed, or not be computed, as it was in training.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/executor.h"
#include "train/preprocess.h"

namespace gabor {

struct SelfTest {
  struct Picture {
    std::vector<uint8_t> file;  // JPEG or PNG
    uint64_t pixels = 0;        // hash_bytes of the net's input, u8 H,W,C
    std::vector<float> logits;  // Executor::logits, one a class
  };
  std::vector<Picture> pictures;
  std::string decoder;      // decoder_versions() when it was made
  bool record_kept = true;  // false, once read: model, classes or preprocessing are not those that were saved
};

// files: as sample_pictures draws them. executor: of an inference plan with the trained weights; the pictures are run one
// by one. nullopt: a logit is no number, so there is nothing to compare with.
std::optional<SelfTest> make_self_test(std::span<const std::vector<uint8_t>> files, const Preprocess& p,
                                       Executor& executor);

struct SelfTestResult {
  std::string fault;  // what is wrong, for a line that begins with the checkpoint; "" when all is as it was
  std::string note;   // what the user should know all the same
  double worst = 0;   // largest difference of a logit, as a fraction of logit_budget
};
// parameters: of the executor's net.
SelfTestResult run_self_test(const SelfTest& test, const Preprocess& p,
                             const std::vector<std::string>& classes, const Parameters& parameters,
                             Executor& executor);

// How far two right float computations of one logit may lie apart. Each layer's sums of n products are off by
// 4 sqrt(n) u of their size at most, but for very bad luck (the rule of duel/score.h for whole outputs; Higham and Mary:
// "A new approach to probabilistic rounding error analysis", 2019); these errors are added up over the layers, may grow
// four times on their way to the logits, and are taken of the largest logit, 1 at least.
// Seen on trained nets of the zoo, cpu against reference: 0.003 of it at most. Another filter or scaling is far over it.
double logit_budget(std::span<const ParameterDecl> parameters, double largest_logit);

// In a checkpoint's metadata. record: a hash of what the checkpoint says beside it (SelfTest::record_kept).
std::string to_json(const SelfTest& test, const std::string& record);
// Throws Error{checkpoint}, where as given, when the text is not what to_json writes.
SelfTest self_test_from_json(const std::string& text, const std::string& record, const std::string& where);

}  // namespace gabor
