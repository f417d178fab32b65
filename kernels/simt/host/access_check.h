// Between the runtime and the access checker (check/), which is there in the check build only.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gabor::simt::host::check {

#if GABOR_SIMT_CHECK

// Who runs, kept up to date by the scheduler.
struct Now {
  bool in_kernel = false;
  uint32_t block = 0, launch_first_block = 1;  // numbers over all launches
  uint32_t interval = 0;                       // barriers that the block has passed
  uint16_t thread = 0;                         // in the block
};
extern Now now;

void start_launch();
void start_block();  // forgets the shared arrays of the last one
inline void end_block() { now.in_kernel = false; }
inline void pass_barrier() { ++now.interval; }
inline void run_thread(int index) { now.thread = uint16_t(index); }
void arrive(const void* counter);  // last_block
void see_arrived(const void* counter);
void fence_lanes(int warp, uint32_t lanes);  // __syncwarp

// Memory. Everything is unallocated and unwritten at first.
char* arena();  // of shared memory
void declare_shared(void* p, size_t bytes, const char* name);
void* allocate(size_t bytes, const char* name);  // null: no room
void release(void* p);
void mark_written(const void* p, size_t bytes);
void mark_unwritten(const void* p, size_t bytes);
ptrdiff_t first_unwritten(const void* p, size_t bytes);  // offset, -1: none

// One access of the running thread; ends the launch if there is something wrong with it. pc: where in the kernel.
void access(const void* p, size_t bytes, bool write, bool atomic, const void* pc);

#else

inline void start_launch() {}
inline void start_block() {}
inline void end_block() {}
inline void pass_barrier() {}
inline void run_thread(int) {}
inline void arrive(const void*) {}
inline void see_arrived(const void*) {}
inline void fence_lanes(int, uint32_t) {}
inline void declare_shared(void*, size_t, const char*) {}
inline void mark_written(const void*, size_t) {}
inline void mark_unwritten(const void*, size_t) {}
inline ptrdiff_t first_unwritten(const void*, size_t) { return -1; }
inline void access(const void*, size_t, bool, bool, const void*) {}

#endif

}  // namespace gabor::simt::host::check
