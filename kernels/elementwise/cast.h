// Launcher of the change of an element type. Plain C++: no CUDA header is needed to call it.
#pragma once
#include <cstdint>

#include "kernels/common/storage.h"

namespace gabor::kernels {

// y = x, rounded to nearest, ties to even; what is beyond `storage` becomes infinite. x: `count` floats, y: as many of
// `storage`, in device memory of any alignment (128-bit loads where it allows). Work is enqueued on `stream`. simt::Error
// when the launch fails.
void cast(int64_t count, const float* x, Storage storage, void* y, Stream stream);

}  // namespace gabor::kernels
