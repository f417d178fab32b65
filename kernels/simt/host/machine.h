// The emulated GPU: the launch in progress, its current block, and the fibers. One of it exists, as the built-in
// variables of a kernel (threadIdx ...) exist once; the mutex lets in one launch at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/simt/error.h"
#include "kernels/simt/host/access_check.h"
#include "kernels/simt/host/asan.h"
#include "kernels/simt/host/fiber.h"
#include "kernels/simt/host/runtime.h"

namespace gabor::simt::host {

constexpr int kLanes = 32, kMaxThreads = 1024;   // of a warp, of a block
constexpr int kMaxCopies = 64;                   // cp.async under way, of a thread
constexpr size_t kArenaBytes = size_t{1} << 20;  // shared memory with its red zones
constexpr size_t kRedZone = 64;

enum class ThreadState : uint8_t { fresh, ready, running, at_barrier, in_collective, returned };

struct AsyncCopy {
  void* dst;
  const void* src;
  unsigned bytes, src_bytes;
  int group;
  const void* pc;
};

struct Thread {
  int index;  // in the block
  uint3 id;   // threadIdx
  ThreadState state;
  Fiber* fiber;
  const char* waits_in;  // for the text of a deadlock
  Site waits_at;
  AsyncCopy copies[kMaxCopies];
  int copy_count, copy_group;
  int warp() const { return index / kLanes; }
  int lane() const { return index % kLanes; }
};

struct Rendezvous {                // of the lanes in mask, for one collective
  uint32_t mask = 0, arrived = 0;  // mask 0: free, once nobody is left to leave
  int to_leave = 0;
  Collective what;
  Site site;
  void* slots[kLanes];
};

struct Warp {
  uint32_t exists = 0, returned = 0, fresh = 0, ready = 0;  // a bit a lane
  Rendezvous rendezvous[kLanes];
  uint32_t alive(uint32_t mask) const { return mask & exists & ~returned; }
};

struct BlockBarrier {
  int waiting = 0, votes = 0, result = 0;
  unsigned passed = 0;  // barriers of this block so far
  BarrierKind kind = BarrierKind::sync;
  Site site;
};

struct SharedArena {
  char* base = nullptr;
  char* next = nullptr;
  size_t used = 0;  // bytes asked for by the block, dynamic ones included
};

struct Machine {
  std::recursive_mutex one_launch;
  Settings settings;
  bool settings_read = false;

  const Launch* launch = nullptr;  // null: none in progress
  void (*body)(void*) = nullptr;
  void* closure = nullptr;
  uint64_t block_number = 0;  // counts all blocks of all launches
  uint64_t random = 1;

  std::unique_ptr<Thread[]> threads{new Thread[kMaxThreads]};
  std::unique_ptr<Warp[]> warps{new Warp[kMaxThreads / kLanes]};
  int thread_count = 0, returned = 0;
  BlockBarrier barrier;
  SharedArena shared;

  uint32_t runnable = 0;  // warps with a fresh or ready lane, a bit each
  int warp = 0;           // the one that ran last
  Thread* current = nullptr;
  Fiber launcher;  // the stack that called run_grid
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<Fiber*> idle;

  bool failed = false;
  std::string error;
};
extern Machine machine;

// ---- scheduler.cpp --------------------------------------------------------------------------------------------
void make_ready(Thread& thread);
void suspend_current();  // until make_ready
// After record_failure: the block will not go on. leave_thread unwinds the thread; abandon_block switches away from
// it for good, for where the compiler takes a call to be one that cannot throw (the checker's entry points).
struct LeaveThread {};
[[noreturn]] void leave_thread();
[[noreturn]] void abandon_block();

// ---- barrier.cpp, warp_collective.cpp: what a returning thread means to the ones that wait --------------------
void check_barrier_after_return();
void complete_rendezvous_after_return(Warp& warp, int first_thread);

// ---- shared_memory.cpp ----------------------------------------------------------------------------------------
void start_shared_memory();  // of a block

// ---- failure.cpp ------------------------------------------------------------------------------------------------
void record_failure(Site site, const std::string& what);  // the first one of a launch counts
std::string deadlock_text();

}  // namespace gabor::simt::host
