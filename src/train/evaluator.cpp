#include "train/evaluator.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gabor {
namespace {

constexpr size_t kWorst = 32;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Rank of the label among a row's values: 0 = largest. NaN anywhere in the row: last.
int rank_of(const float* row, int classes, int label) {
  int above = 0;
  for (int k = 0; k < classes; k++) {
    if (std::isnan(row[k])) return classes;
    above += row[k] > row[label] || (row[k] == row[label] && k < label);
  }
  return above;
}

}  // namespace

double EvalResult::precision(int k) const {
  int64_t predicted = 0;
  for (int t = 0; t < classes; t++) predicted += confusion[size_t(t * classes + k)];
  return predicted ? double(confusion[size_t(k * classes + k)]) / double(predicted) : kNone;
}

double EvalResult::recall(int k) const {
  int64_t actual = 0;
  for (int p = 0; p < classes; p++) actual += confusion[size_t(k * classes + p)];
  return actual ? double(confusion[size_t(k * classes + k)]) / double(actual) : kNone;
}

EvalResult evaluate(Executor& executor, Loader& loader, int classes,
                    const std::function<bool(int, int)>& tick) {
  EvalResult r;
  r.classes = classes;
  r.confusion.assign(size_t(classes) * size_t(classes), 0);
  std::vector<float> probabilities;
  double loss = 0;
  int done = 0;
  loader.start(0);
  while (Batch* batch = loader.next()) {
    executor.forward(batch->pixels, batch->labels, 0, {});
    loss += executor.loss_sum();
    r.samples += executor.counted();
    const TensorView out = executor.output();
    probabilities.resize(size_t(out.count()));
    executor.device().copy_from(probabilities.data(), out.data, out.bytes());
    const int32_t* labels = batch->labels.as<int32_t>();
    for (int i = 0; i < batch->count; i++) {
      const int label = labels[i];
      if (label < 0) continue;
      const float* row = probabilities.data() + size_t(i) * size_t(classes);
      const int predicted = int(std::max_element(row, row + classes) - row);
      const int rank = rank_of(row, classes, label);
      r.correct += rank == 0;
      r.correct_top5 += rank < 5;
      r.confusion[size_t(label * classes + predicted)]++;
      if (predicted != label)
        r.worst.push_back({batch->samples[size_t(i)], label, predicted, row[predicted]});
    }
    std::sort(r.worst.begin(), r.worst.end(), [](const auto& a, const auto& b) {
      return a.probability != b.probability ? a.probability > b.probability : a.sample < b.sample;
    });
    if (r.worst.size() > kWorst) r.worst.resize(kWorst);
    loader.release(batch);
    if (tick && !tick(++done, loader.steps_per_epoch())) break;
  }
  r.loss = r.samples ? loss / double(r.samples) : kNone;
  return r;
}

}  // namespace gabor
