// An array that starts off its alignment, with sentinels on both sides.
#pragma once
#include "kernels/judge.h"

namespace gabor::kernel_tests {

template <class Element>
class Skewed {
 public:
  // skew: elements between an aligned address and the first value.
  Skewed(const std::vector<Element>& values, int skew, const char* name)
      : skew_(size_t(skew)), size_(values.size()), array_(framed(values), name) {}
  Element* data() { return array_.data() + skew_; }

  // Fails the test if a sentinel was overwritten.
  std::vector<Element> values() const {
    const std::vector<Element> all = array_.values();
    const std::vector<Element> inner(all.begin() + ptrdiff_t(skew_), all.begin() + ptrdiff_t(skew_ + size_));
    for (size_t i = 0; i < all.size(); ++i)
      if (i < skew_ || i >= skew_ + size_) {
        EXPECT_EQ(simt::to_float(all[i]), kSentinel) << "overwritten at " << i;
      }
    return inner;
  }

 private:
  static constexpr float kSentinel = 768.0f;  // exact in halves
  std::vector<Element> framed(const std::vector<Element>& values) const {
    std::vector<Element> all(skew_, simt::from_float<Element>(kSentinel));
    all.insert(all.end(), values.begin(), values.end());
    all.resize(all.size() + 5, simt::from_float<Element>(kSentinel));
    return all;
  }

  size_t skew_, size_;
  simt::DeviceArray<Element> array_;
};

// Values an output holds before a kernel overwrites it: never a right answer.
template <class Element>
std::vector<Element> unwritten(size_t count) {
  return std::vector<Element>(count, simt::from_float<Element>(-999.0f));
}

// Half of all arrays are aligned to 4 elements.
inline int random_skew(Rng& rng) { return below(rng, 2) == 0 ? 0 : between(rng, 1, 3); }

}  // namespace gabor::kernel_tests
