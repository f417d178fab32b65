// What host execution offers to the vocabulary (target.h and its parts), to DeviceArray and to tests.
//
// How kernels run: one OS thread, one fiber a CUDA thread, blocks one after another. A warp runs as far as
// barriers allow before another starts: the largest skew between warps, which is what exposes a missing barrier
// (fair turns hide it). Order::reverse and random do the same in other orders. Three builds of the runtime, of
// which detector() tells: plain; asan, for kernels under AddressSanitizer and UBSan; check, for kernels under
// check/ (races, reads of unwritten bytes, bounds).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/simt/host/types.h"

namespace gabor::simt::host {

// A line of a kernel. Site::here() as a default argument is the caller's line.
struct Site {
  const char* file = nullptr;
  int line = 0;
  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};
std::string to_string(Site site);  // "conv.cu:12"; "" for none

// ---- launching ------------------------------------------------------------------------------------------------
struct Launch {
  dim3 grid, block;
  size_t smem;  // dynamic shared memory, bytes
  Site site;
  size_t closure_bytes;    // a kernel's arguments may be copied bit by bit: a test can put a launch off
  void* stream = nullptr;  // as it was given: there is nothing to order here
};
// Runs body(closure) as every thread of the grid. Throws Error; a block in which something is wrong is abandoned
// (its suspended threads are not unwound), the launches after it are sound.
void run_grid(const Launch& launch, void (*body)(void*), void* closure);

enum class Order { forward, reverse, random };
struct Settings {
  Order order = Order::forward;  // of blocks, warps and lanes: GABOR_SIMT_ORDER = forward, reverse, random
  uint64_t seed = 1;             // of Order::random: GABOR_SIMT_SEED
  size_t shared_limit = 227 * 1024;  // bytes a block may have, static and dynamic (sm_90's)
  size_t stack_bytes = 128 * 1024;   // of a thread
};
Settings& settings();  // read from the environment at first use; a test may change them between launches

enum class Detector { none, asan, check };
Detector detector();

// ---- what threads call --------------------------------------------------------------------------------------
enum class BarrierKind { sync, all, any, count };  // __syncthreads and its _and, _or, _count
int block_barrier(BarrierKind kind, bool predicate, Site site);

// One rendezvous of lanes: each leaves a slot, the last to come does the work of all.
struct Collective {
  const char* name;
  bool converged;      // all lanes of the warp, at one line (ldmatrix, mma)
  bool orders_memory;  // __syncwarp; shuffles and votes do not
  void (*run)(void* const* slots, uint32_t lanes);
};
void warp_collective(const Collective& what, uint32_t mask, void* slot, Site site);
unsigned lane_id();

struct SharedTag {  // one per SHARED: where it lies in the block of that number
  uint64_t block = 0;
  void* address = nullptr;
};
void* shared_array(SharedTag& tag, size_t bytes, size_t align, const char* name);
void* shared_dynamic();

void start_copy(void* dst, const void* src, unsigned bytes, unsigned src_bytes, Site site);
void end_copy_group();
void wait_for_copies(int pending_groups);

// Ends the launch with an Error that names this thread.
[[noreturn]] void trap(const std::string& why, Site site);
// This block comes to the counter; from see_arrived on it may read what those wrote that came there before it.
void arrive(const void* counter);
void see_arrived(const void* counter);
// An access that the compiler's instrumentation does not see, checked like one made at pc.
void touch(const void* p, size_t bytes, bool write, const void* pc, Site site);

// ---- memory of the emulated GPU ------------------------------------------------------------------------------
// One allocation a buffer, 256-byte aligned, filled with 0xff, unwritten. Throws Error when there is no more.
void* device_alloc(size_t bytes, const char* name);
void device_free(void* p);
// The only ways in and out. device_read throws Error if (in the check build) no kernel wrote some of the bytes.
void device_write(void* dst, const void* src, size_t bytes);
void device_read(void* dst, const void* src, size_t bytes);

}  // namespace gabor::simt::host
