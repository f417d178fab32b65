#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/philox.h"

namespace gabor {

uint32_t validation_count(uint32_t count, double share, bool keras_rule) {
  if (!(share >= 0 && share < 1))
    fail(ErrorCode::usage, "val-split", "is {}; expected 0 <= share < 1", share);
  if (share == 0) return 0;
  if (keras_rule) return count - uint32_t(std::floor(count * (1.0 - share)));
  const uint64_t millionths = uint64_t(std::llround(share * 1e6));
  return uint32_t((count * millionths + 500'000) / 1'000'000);
}

std::vector<uint32_t> stratify(const std::vector<uint32_t>& class_counts, uint32_t validation) {
  const uint64_t total = std::accumulate(class_counts.begin(), class_counts.end(), uint64_t{0});
  GABOR_CHECK(validation <= total);
  std::vector<uint32_t> quota;
  std::vector<std::pair<uint64_t, size_t>> remainder;
  uint32_t given = 0;
  for (size_t c = 0; c < class_counts.size(); c++) {
    const uint64_t exact = uint64_t{class_counts[c]} * validation;
    quota.push_back(total ? uint32_t(exact / total) : 0);
    remainder.emplace_back(total ? exact % total : 0, c);
    given += quota[c];
  }
  std::stable_sort(remainder.begin(), remainder.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const uint32_t keep :
       {1u, 0u})  // first leave each class a training picture, then whatever is left to give
    for (const auto& [ignored, c] : remainder)
      if (given < validation && quota[c] + keep < class_counts[c]) quota[c]++, given++;
  return quota;
}

TrainVal stratified_split(const std::vector<uint32_t>& samples, const std::vector<int>& label, int classes,
                          double share, uint64_t seed, bool keras_rule) {
  std::vector<std::vector<uint32_t>> of_class{size_t(classes)};
  for (size_t i = 0; i < samples.size(); i++) of_class.at(size_t(label[i])).push_back(samples[i]);
  std::vector<uint32_t> counts;
  for (const auto& members : of_class) counts.push_back(uint32_t(members.size()));
  const auto quota = stratify(counts, validation_count(uint32_t(samples.size()), share, keras_rule));

  TrainVal out;
  for (size_t c = 0; c < of_class.size(); c++) {
    auto& members = of_class[c];
    Random random({.seed = seed, .purpose = Purpose::split, .a = c});
    for (uint32_t i = 0; i < quota[c]; i++)  // the first quota of a Fisher-Yates shuffle
      std::swap(members[i], members[i + random.below(uint32_t(members.size()) - i)]);
    out.val.insert(out.val.end(), members.begin(), members.begin() + quota[c]);
    out.train.insert(out.train.end(), members.begin() + quota[c], members.end());
  }
  std::sort(out.train.begin(), out.train.end());
  std::sort(out.val.begin(), out.val.end());
  return out;
}

}  // namespace gabor
