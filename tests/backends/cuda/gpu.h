// The backend under test, where there is a GPU or an emulated one.
#pragma once
#include <gtest/gtest.h>

#include "backends/cuda/backend.h"
#include "core/error.h"

namespace gabor::testing {

// A test of this kind is skipped, with the reason, on a machine without a GPU that this build has code for.
class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      backend = make_cuda_backend();
    } catch (const Error& e) {
      if (e.code() != ErrorCode::device) throw;
      GTEST_SKIP() << e.what();
    }
  }
  std::shared_ptr<const Backend> backend;
};

}  // namespace gabor::testing
