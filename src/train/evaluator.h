#pragma once
#include <atomic>
#include <functional>
#include <vector>

#include "data/loader.h"
#include "model/executor.h"

namespace gabor {

struct EvalResult {
  int classes = 0;
  int64_t samples = 0;  // that counted (bad files do not)
  int64_t correct = 0;
  int64_t correct_top5 = 0;
  double loss = 0;                 // mean
  std::vector<int64_t> confusion;  // [true][predicted], row-major
  struct Mistake {
    uint32_t sample = 0;
    int label = 0, predicted = 0;
    float probability = 0;  // given to the wrong class
  };
  std::vector<Mistake> worst;  // most confident mistakes first, at most 32

  double accuracy() const { return samples ? double(correct) / double(samples) : 0; }
  double top5() const { return samples ? double(correct_top5) / double(samples) : 0; }
  double precision(int k) const;  // NaN when class k was never predicted
  double recall(int k) const;     // NaN when class k has no sample
};

// Runs an inference plan over one pass of the loader. tick(done, total) after each batch; it returns false to
// stop (then the result covers what was done).
EvalResult evaluate(Executor& executor, Loader& loader, int classes,
                    const std::function<bool(int, int)>& tick = {});

}  // namespace gabor
