// The end of a small classifier as one op: max pooling? -> flatten -> dense+relu ... -> dense -> softmax cross-entropy, with
// the gradients of all of it. A row (sample) goes its way to the loss and back alone, so that only the sums over rows, which
// are the gradients of parameters, have to wait for others.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/problem/dense.h"
#include "core/problem/pool2d.h"

namespace gabor {

struct HeadProblem {
  static constexpr int kMostLayers = 4;

  int64_t N = 1;                      // rows
  std::optional<Pool2dProblem> pool;  // max, of N images; a row of its y, flattened, is the first layer's x
  int layers = 1;                     // of `dense`, from its first on
  std::array<DenseProblem, kMostLayers> dense;  // relu or none behind all but the last
  float label_smoothing = 0;                    // as in LossProblem (ops/loss.h)
  bool two_labels = false;                      // likewise

  const DenseProblem& layer(int i) const { return dense[size_t(i)]; }
  int64_t classes() const { return layer(layers - 1).K; }
  int64_t weights() const {  // elements of all w
    int64_t sum = 0;
    for (int i = 0; i < layers; i++) sum += layer(i).K * layer(i).C;
    return sum;
  }
  Shape labels_shape() const { return two_labels ? Shape{N, 3} : Shape{N}; }
  friend bool operator==(const HeadProblem&, const HeadProblem&) = default;
};

// What keeps the parts from being a head: an activation, a kind of pooling, sizes that do not fit each other. "": nothing.
std::string fault_of(const HeadProblem& p);
// "max N=128 H=10 W=10 C=16 ... | N=128 C=400 K=120 act=relu | N=128 C=120 K=10 | labels=1 label_smoothing=0"
std::string to_string(const HeadProblem& p);

}  // namespace gabor
