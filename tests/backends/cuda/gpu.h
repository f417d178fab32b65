// The backend under test, where there is a GPU or an emulated one.
#pragma once
#include <gtest/gtest.h>

#include "backends/cuda/backend.h"
#include "core/error.h"
#include "ops/dense.h"

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
  std::shared_ptr<const Backend> variant(const std::string& name) const {
    for (const auto& v : backend->variants())
      if (v->name().ends_with("/" + name)) return v;
    fail(ErrorCode::internal, name, "is no variant");
  }
  // Why this GPU multiplies in fp32 alone; "": it has other precisions.
  std::string only_fp32() const {
    return variant("tf32")
        ->ops()
        .dense->supports({.N = 64, .C = 64, .K = 64, .activation = {}}, Pass::fprop)
        .reason;
  }
  std::shared_ptr<const Backend> backend;
};

}  // namespace gabor::testing
