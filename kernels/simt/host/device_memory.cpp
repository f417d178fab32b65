// Buffers of the emulated GPU: one allocation each, never pooled, or their bounds would vanish.
#include <cstdlib>
#include <cstring>

#include "kernels/simt/host/machine.h"

namespace gabor::simt::host {

void* device_alloc(size_t bytes, const char* name) {
  [[maybe_unused]] constexpr size_t kAlign = 256;  // cudaMalloc's
  void* p = nullptr;
#if GABOR_SIMT_CHECK
  p = check::allocate(bytes, name);
#else
  if (posix_memalign(&p, kAlign, bytes > 0 ? bytes : 1) != 0) p = nullptr;
#endif
  if (p == nullptr)
    throw Error("no memory on the emulated GPU for " + std::to_string(bytes) + " bytes of " + name);
  std::memset(p, 0xff, bytes);
  return p;
}

void device_free(void* p) {
#if GABOR_SIMT_CHECK
  check::release(p);
#else
  std::free(p);
#endif
}

void device_write(void* dst, const void* src, size_t bytes) {
  std::memcpy(dst, src, bytes);
  check::mark_written(dst, bytes);
}

void device_read(void* dst, const void* src, size_t bytes) {
  if (const ptrdiff_t at = check::first_unwritten(src, bytes); at >= 0)
    throw Error("read back by the host: byte " + std::to_string(at) + ", which no kernel ever wrote");
  std::memcpy(dst, src, bytes);
}

}  // namespace gabor::simt::host
