// The functions that -fsanitize=thread makes the compiler call, by their names and signatures in GCC and clang.
#include <cstdint>
#include <cstring>

#include "kernels/simt/host/access_check.h"

using gabor::simt::host::check::access;

#define PC __builtin_return_address(0)

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

// ---- plain accesses of n bytes ------------------------------------------------------------------------------
#define READ(name, n) \
  void __tsan_##name(void* p) { access(p, n, false, false, PC); }
#define WRITE(name, n) \
  void __tsan_##name(void* p) { access(p, n, true, false, PC); }
#define READ_WRITE(name, n)         \
  void __tsan_##name(void* p) {     \
    access(p, n, false, false, PC); \
    access(p, n, true, false, PC);  \
  }
#define PLAIN(n)                        \
  READ(read##n, n)                      \
  READ(unaligned_read##n, n)            \
  READ(volatile_read##n, n)             \
  READ(unaligned_volatile_read##n, n)   \
  WRITE(write##n, n)                    \
  WRITE(unaligned_write##n, n)          \
  WRITE(volatile_write##n, n)           \
  WRITE(unaligned_volatile_write##n, n) \
  READ_WRITE(read_write##n, n)          \
  READ_WRITE(unaligned_read_write##n, n)
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void* p, size_t n) { access(p, n, false, false, PC); }
void __tsan_write_range(void* p, size_t n) { access(p, n, true, false, PC); }
void* __tsan_memcpy(void* dst, const void* src, size_t n) {
  access(src, n, false, false, PC);
  access(dst, n, true, false, PC);
  return std::memcpy(dst, src, n);
}
void* __tsan_memmove(void* dst, const void* src, size_t n) {
  access(src, n, false, false, PC);
  access(dst, n, true, false, PC);
  return std::memmove(dst, src, n);
}
void* __tsan_memset(void* dst, int value, size_t n) {
  access(dst, n, true, false, PC);
  return std::memset(dst, value, n);
}

// ---- atomics. One thread runs at a time, so plain operations do; the memory orders mean nothing here. ----------
#define FETCH(bits, T, name, result)               \
  T __tsan_atomic##bits##_##name(T* p, T v, int) { \
    access(p, sizeof(T), true, true, PC);          \
    const T old = *p;                              \
    *p = T(result);                                \
    return old;                                    \
  }
#define COMPARE_EXCHANGE(bits, T, strength)                                                 \
  int __tsan_atomic##bits##_compare_exchange_##strength(T* p, T* expected, T v, int, int) { \
    access(p, sizeof(T), true, true, PC);                                                   \
    const bool equal = *p == *expected;                                                     \
    if (equal) {                                                                            \
      *p = v;                                                                               \
    } else {                                                                                \
      *expected = *p;                                                                       \
    }                                                                                       \
    return equal;                                                                           \
  }
#define ATOMIC(bits, T)                                                           \
  T __tsan_atomic##bits##_load(const T* p, int) {                                 \
    access(p, sizeof(T), false, true, PC);                                        \
    return *p;                                                                    \
  }                                                                               \
  void __tsan_atomic##bits##_store(T* p, T v, int) {                              \
    access(p, sizeof(T), true, true, PC);                                         \
    *p = v;                                                                       \
  }                                                                               \
  FETCH(bits, T, fetch_add, old + v)                                              \
  FETCH(bits, T, fetch_sub, old - v)                                              \
  FETCH(bits, T, fetch_and, old& v)                                               \
  FETCH(bits, T, fetch_or, old | v)                                               \
  FETCH(bits, T, fetch_xor, old ^ v)                                              \
  FETCH(bits, T, exchange, v)                                                     \
  COMPARE_EXCHANGE(bits, T, strong)                                               \
  COMPARE_EXCHANGE(bits, T, weak)                                                 \
  T __tsan_atomic##bits##_compare_exchange_val(T* p, T expected, T v, int, int) { \
    access(p, sizeof(T), true, true, PC);                                         \
    const T old = *p;                                                             \
    if (old == expected) *p = v;                                                  \
    return old;                                                                   \
  }
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

}  // extern "C"
