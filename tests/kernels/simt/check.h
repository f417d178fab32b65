// The frame of wrappers.cu: a check runs kernels and says what is wrong with their results.
#pragma once
#include <string>
#include <vector>

#include "kernels/simt/device_array.h"

namespace gabor::simt::wrappers {

struct Check {
  const char* name;
  int capability;        // the oldest card that has the instruction: 80 for sm_80
  std::string (*run)();  // "": all as it should be
};

// "": equal.
template <class T>
std::string difference(const std::vector<T>& got, const std::vector<T>& want) {
  if (got.size() != want.size()) return "another number of values";
  for (size_t i = 0; i < got.size(); ++i)
    if (!(got[i] == want[i]))
      return "value " + std::to_string(i) + " is " + std::to_string(got[i]) + ", expected " +
             std::to_string(want[i]);
  return "";
}

}  // namespace gabor::simt::wrappers
