// What the runtime tells AddressSanitizer: where the shared arena's red zones are, and that stacks change. In
// the other builds of the runtime it tells nobody.
#pragma once
#include <cstddef>

#if GABOR_SIMT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace gabor::simt::host::asan {

#if GABOR_SIMT_ASAN
inline void poison(const void* p, size_t n) { __asan_poison_memory_region(p, n); }
inline void unpoison(const void* p, size_t n) { __asan_unpoison_memory_region(p, n); }
inline bool is_poisoned(const void* p, size_t n) {
  return n > 0 && __asan_region_is_poisoned(const_cast<void*>(p), n) != nullptr;
}
inline void before_switch(void** save_fake_stack, const void* stack, size_t bytes) {
  __sanitizer_start_switch_fiber(save_fake_stack, stack, bytes);
}
// fake_stack: null on a fiber's first entry. Says on which stack the switch was made.
inline void after_switch(void* fake_stack, const void** from_stack, size_t* from_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, from_stack, from_bytes);
}
#else
inline void poison(const void*, size_t) {}
inline void unpoison(const void*, size_t) {}
inline bool is_poisoned(const void*, size_t) { return false; }
inline void before_switch(void**, const void*, size_t) {}
inline void after_switch(void*, const void**, size_t*) {}
#endif

}  // namespace gabor::simt::host::asan
