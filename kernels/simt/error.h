// What kernels/simt throws, on a GPU and in host execution. It is no gabor::Error, because kernels/ stands on
// nothing but core/problem; backends/cuda adds op and tensor and rethrows it as one.
#pragma once
#include <stdexcept>

namespace gabor::simt {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace gabor::simt
