// The cudnn backend over the fake library, for its tests.
#pragma once
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "backends/cudnn/backend.h"
#include "backends/cudnn/fake_library.h"
#include "backends/op_tests/op_comparison.h"
#include "core/error.h"

namespace gabor {

inline CudnnOptions fake() {
  CudnnOptions o;
  o.cudnn_file = o.cublas_file = GABOR_FAKE_CUDNN;
  return o;
}

// The state of the library that the backend has opened: a second opening of a file gives the same one.
inline FakeState& state() {
  static void* const library = dlopen(GABOR_FAKE_CUDNN, RTLD_NOW);
  return *reinterpret_cast<decltype(&fake_state)>(dlsym(library, "fake_state"))();
}

class FakeCudnnTest : public testing::Test {
 protected:
  void SetUp() override { state() = {}; }
  void TearDown() override { EXPECT_EQ(state().alive, 0) << "handles or descriptors are left"; }
  static std::shared_ptr<const Backend> make(const CudnnOptions& options = fake()) {
    return make_cudnn_backend(host_device(), nullptr, options);
  }
  static void expect(const op_tests::OpReport& report) {
    std::cout << report.text() << "\n";
    EXPECT_TRUE(report.good(count)) << report.text();
  }
  static op_tests::OpComparison compare(const CudnnOptions& options = fake()) {
    return {make(options), 20261126};
  }
  static inline const int count = std::min(op_tests::shapes_to_run(), 500);
};

// What the Error{device} of f() says; "" when it throws none.
inline std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device) << e.what();
    return e.what();
  }
  return "";
}

}  // namespace gabor
