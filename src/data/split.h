// The seeded stratified split, in integers: the same on every machine, exact in total and in every class.
#pragma once
#include <cstdint>
#include <vector>

namespace gabor {

// How many of count pictures validate: share is taken as a number of millionths, so 23,000 at 0.3 is 6,900
// exactly. With keras_rule: count - floor(count * (1.0 - share)) in doubles, 6,901 (ARTICLE B11).
uint32_t validation_count(uint32_t count, double share, bool keras_rule);

// Divides validation pictures among the classes by largest remainder (ties: the lower class), so that they
// add up to validation exactly; a class never loses its last training picture unless validation leaves no
// choice.
std::vector<uint32_t> stratify(const std::vector<uint32_t>& class_counts, uint32_t validation);

// Moves the validation part of samples (label[i] is the class of samples[i]) into val; both stay sorted by
// position. Which pictures: Philox(seed, split, class), so one class's draw does not depend on another's
// size.
struct TrainVal {
  std::vector<uint32_t> train, val;
};
TrainVal stratified_split(const std::vector<uint32_t>& samples, const std::vector<int>& label, int classes,
                          double share, uint64_t seed, bool keras_rule);

}  // namespace gabor
