// cp.async on the host (cuda/async_copy.h has the contract): the copy lands as late as it may, at the thread's
// wait; until then its target is poison.
#pragma once
#include "kernels/simt/host/runtime.h"

namespace gabor::simt {

template <int Bytes>
__forceinline__ void cp_async(void* dst, const void* src, int src_bytes = Bytes,
                              host::Site site = host::Site::here()) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
  host::start_copy(dst, src, Bytes, unsigned(src_bytes), site);
}
inline void cp_async_commit() { host::end_copy_group(); }
template <int Pending>
void cp_async_wait() {
  host::wait_for_copies(Pending);
}

}  // namespace gabor::simt
