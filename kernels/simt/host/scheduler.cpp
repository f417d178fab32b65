// Which thread runs next, blocks, launches.
#include <cstdlib>
#include <cstring>

#include "kernels/simt/host/machine.h"
#include "kernels/simt/host/target.h"

namespace gabor::simt::host {

Machine machine;

namespace {

uint64_t next_random() {  // xorshift64
  machine.random ^= machine.random << 13;
  machine.random ^= machine.random >> 7;
  machine.random ^= machine.random << 17;
  return machine.random;
}

// A set bit of m, by the order of the settings.
int choose(uint32_t m) {
  if (machine.settings.order == Order::forward) return __builtin_ctz(m);
  if (machine.settings.order == Order::reverse) return 31 - __builtin_clz(m);
  for (auto skip = next_random() % uint64_t(__builtin_popcount(m)); skip > 0; --skip) m &= m - 1;
  return __builtin_ctz(m);
}

Thread* next_thread() {
  if (machine.runnable == 0) return nullptr;
  const bool can_go_on = machine.runnable >> machine.warp & 1;
  const bool change_anyway = machine.settings.order == Order::random && next_random() % 4 == 0;
  if (!can_go_on || change_anyway) machine.warp = choose(machine.runnable);
  Warp& warp = machine.warps[machine.warp];
  const int lane = choose(warp.ready | warp.fresh);
  warp.ready &= ~(1u << lane);
  warp.fresh &= ~(1u << lane);
  if ((warp.ready | warp.fresh) == 0) machine.runnable &= ~(1u << machine.warp);
  return &machine.threads[machine.warp * kLanes + lane];
}

void set_current(Thread& thread) {
  machine.current = &thread;
  thread.state = ThreadState::running;
  threadIdx = thread.id;
  check::run_thread(thread.index);
}

void run_fiber();

Fiber& idle_fiber() {
  if (machine.idle.empty()) {
    machine.fibers.push_back(std::make_unique<Fiber>());
    start_fiber(*machine.fibers.back(), machine.settings.stack_bytes, run_fiber);
    machine.idle.push_back(machine.fibers.back().get());
  }
  Fiber& fiber = *machine.idle.back();
  machine.idle.pop_back();
  return fiber;
}

// The fiber to go on with. The launcher's when the block is finished, has failed, or nobody can run.
Fiber& next_fiber() {
  Thread* thread = machine.failed ? nullptr : next_thread();
  if (thread == nullptr) return machine.launcher;
  if (thread->state == ThreadState::fresh) {
    thread->fiber = &idle_fiber();
    thread->fiber->thread = thread;
  }
  set_current(*thread);
  return *thread->fiber;
}

void thread_returned(Thread& thread) {
  if (thread.copy_count > 0) record_failure({}, "a thread returned with cp.async copies it never waited for");
  thread.state = ThreadState::returned;
  ++machine.returned;
  Warp& warp = machine.warps[thread.warp()];
  warp.returned |= 1u << thread.lane();
  complete_rendezvous_after_return(warp, thread.index - thread.lane());
  check_barrier_after_return();
}

// A fiber runs one thread after another: what is picked next, if fresh, goes on here without a switch.
void run_fiber() {
  Fiber& self = *machine.current->fiber;
  fiber_entered(self);
  for (;;) {
    try {
      machine.body(machine.closure);
      thread_returned(*self.thread);
    } catch (const LeaveThread&) {
    } catch (const std::exception& error) {  // kernels do not throw, but what they call may
      record_failure({}, error.what());
    }
    machine.idle.push_back(&self);
    Fiber& next = next_fiber();
    if (&next != &self) switch_fiber(self, next);
  }
}

uint3 unflatten(uint64_t i, dim3 extent) {
  uint3 at;
  at.x = unsigned(i % extent.x);
  at.y = unsigned(i / extent.x % extent.y);
  at.z = unsigned(i / extent.x / extent.y);
  return at;
}

void start_threads(dim3 block) {
  machine.returned = 0;
  machine.runnable = 0;
  machine.barrier = BlockBarrier{};
  for (int i = 0; i < machine.thread_count; ++i) {
    Thread& thread = machine.threads[i];
    thread.index = i;
    thread.id = unflatten(uint64_t(i), block);
    thread.state = ThreadState::fresh;
    thread.fiber = nullptr;
    thread.waits_in = "its start";
    thread.waits_at = {};
    thread.copy_count = thread.copy_group = 0;
  }
  for (int first = 0; first < machine.thread_count; first += kLanes) {
    const int lanes = std::min(kLanes, machine.thread_count - first);
    Warp& warp = machine.warps[first / kLanes];
    warp.exists = warp.fresh = uint32_t((uint64_t{1} << lanes) - 1);
    warp.returned = warp.ready = 0;
    machine.runnable |= 1u << first / kLanes;
  }
  machine.warp = choose(machine.runnable);
}

void run_block(const Launch& launch, uint64_t index) {
  ++machine.block_number;
  blockIdx = unflatten(index, launch.grid);
  start_threads(launch.block);
  start_shared_memory();
  check::start_block();
  switch_fiber(machine.launcher, next_fiber());
  check::end_block();
  machine.current = nullptr;
  if (!machine.failed && machine.returned != machine.thread_count) record_failure({}, deadlock_text());
}

void check_launch(const Launch& launch) {
  const auto refuse = [&](const std::string& why) {
    throw Error(to_string(launch.site) + ": launch: " + why);
  };
  const dim3 b = launch.block, g = launch.grid;
  const uint64_t threads = uint64_t{b.x} * b.y * b.z;
  if (threads == 0 || threads > kMaxThreads || b.z > 64)
    refuse("a block of " + std::to_string(threads) + " threads; 1 to 1024 can be had, 64 in z");
  if (uint64_t{g.x} * g.y * g.z == 0 || g.y > 65535 || g.z > 65535)
    refuse("an empty grid, or more than 65535 blocks in y or z");
  if (launch.smem > settings().shared_limit)
    refuse(std::to_string(launch.smem) + " bytes of dynamic shared memory; " +
           std::to_string(settings().shared_limit) + " can be had");
}

// The fibers of an abandoned block are in the middle of kernels: start them anew.
void forget_block() {
  machine.idle.clear();
  for (auto& fiber : machine.fibers) {
    start_fiber(*fiber, machine.settings.stack_bytes, run_fiber);
    machine.idle.push_back(fiber.get());
  }
  for (int i = 0; i < kMaxThreads / kLanes; ++i) machine.warps[i] = Warp{};
}

}  // namespace

void make_ready(Thread& thread) {
  thread.state = ThreadState::ready;
  machine.warps[thread.warp()].ready |= 1u << thread.lane();
  machine.runnable |= 1u << thread.warp();
}

void suspend_current() {
  Fiber& self = *machine.current->fiber;
  Fiber& next = next_fiber();
  if (&next != &self) switch_fiber(self, next);
}

void leave_thread() { throw LeaveThread{}; }

void abandon_block() {
  switch_fiber(*machine.current->fiber, machine.launcher);
  __builtin_unreachable();  // the launcher starts this fiber anew
}

unsigned lane_id() { return unsigned(machine.current->lane()); }

void arrive(const void* counter) { check::arrive(counter); }
void see_arrived(const void* counter) { check::see_arrived(counter); }

Settings& settings() {
  if (machine.settings_read) return machine.settings;
  machine.settings_read = true;
  if (const char* order = std::getenv("GABOR_SIMT_ORDER")) {
    if (std::strcmp(order, "reverse") == 0) machine.settings.order = Order::reverse;
    if (std::strcmp(order, "random") == 0) machine.settings.order = Order::random;
  }
  if (const char* seed = std::getenv("GABOR_SIMT_SEED"))
    machine.settings.seed = std::strtoull(seed, nullptr, 10);
  return machine.settings;
}

Detector detector() {
#if GABOR_SIMT_ASAN
  return Detector::asan;
#elif GABOR_SIMT_CHECK
  return Detector::check;
#else
  return Detector::none;
#endif
}

void run_grid(const Launch& launch, void (*body)(void*), void* closure) {
  const std::lock_guard lock(machine.one_launch);
  if (machine.launch != nullptr) trap("launch from inside a kernel", launch.site);
  check_launch(launch);
  machine.launch = &launch;
  machine.body = body;
  machine.closure = closure;
  machine.thread_count = int(launch.block.x * launch.block.y * launch.block.z);
  machine.random = settings().seed * 0x9e3779b97f4a7c15ull | 1;
  machine.failed = false;
  machine.launcher = Fiber{};
  gridDim = launch.grid;
  blockDim = launch.block;
  check::start_launch();

  const uint64_t blocks = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  for (uint64_t i = 0; i < blocks && !machine.failed; ++i)
    run_block(launch, settings().order == Order::reverse ? blocks - 1 - i : i);
  machine.launch = nullptr;
  if (!machine.failed) return;
  forget_block();
  throw Error(machine.error);
}

}  // namespace gabor::simt::host
