// Around every launch: device memory is opened, and what kernels/ throws becomes one line with op and problem.
#pragma once
#include <string>

#include "backends/cuda/runtime.h"
#include "core/error.h"
#include "kernels/simt/error.h"
#include "ops/context.h"

namespace gabor::cuda {

// f launches kernels. describe() is called when that fails, and only then: text costs an allocation.
template <class Describe, class F>
void launching(Context& context, const char* op, Describe&& describe, F&& f) {
  try {
    KernelScope scope(context.device);
    f();
  } catch (const simt::Error& e) {
    fail(ErrorCode::device, fmt::format("{} {}", op, describe()), "{} ({})", e.what(), context.device.name());
  }
}

// For problems that are a count of elements.
template <class F>
void launching(Context& context, const char* op, int64_t count, F&& f) {
  launching(
      context, op, [count] { return fmt::format("count={}", count); }, f);
}

// The start of the workspace; that it has what the op asked for is checked.
inline float* workspace(const Context& context, size_t bytes) {
  GABOR_CHECK(context.workspace_bytes >= bytes);
  return static_cast<float*>(context.workspace);
}

}  // namespace gabor::cuda
