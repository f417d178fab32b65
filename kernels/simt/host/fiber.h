// Fibers: a stack each, switched by hand. 15 instructions a switch on x86-64; elsewhere (or with
// GABOR_SIMT_UCONTEXT) POSIX ucontext, some ten times slower.
#pragma once
#include <cstddef>

#if !defined(__x86_64__) && !defined(GABOR_SIMT_UCONTEXT)
#define GABOR_SIMT_UCONTEXT 1
#endif
#if GABOR_SIMT_UCONTEXT
#include <ucontext.h>
#endif

namespace gabor::simt::host {

struct Thread;

struct Fiber {
  Thread* thread = nullptr;    // the CUDA thread that runs on it
  Fiber* came_from = nullptr;  // that switched to it last
  char* stack = nullptr;       // lowest usable byte; an unmapped page lies below
  size_t stack_bytes = 0;
  void* stack_pointer = nullptr;    // while it does not run
  void* asan_fake_stack = nullptr;  // the same, for AddressSanitizer
#if GABOR_SIMT_UCONTEXT
  ucontext_t context;
#endif
};

// The next switch to the fiber enters `entry`, which never returns; whatever ran there before is forgotten. Maps
// the stack at first use; throws Error when it cannot.
void start_fiber(Fiber& fiber, size_t stack_bytes, void (*entry)());
void switch_fiber(Fiber& from, Fiber& to);
void fiber_entered(Fiber& self);  // the first call in `entry`

}  // namespace gabor::simt::host
