// Which accesses are in order, and the verdict on each one.
#include <cstring>
#include <map>
#include <set>

#include "kernels/simt/check/shadow.h"
#include "kernels/simt/host/machine.h"

namespace gabor::simt::host::check {

Now now;

namespace {

// __syncwarp orders lanes as vector clocks do: seen[i][j] is how many fences of lane j lane i knows of.
struct WarpClock {
  uint32_t block;
  uint32_t fences[kLanes];
  uint32_t seen[kLanes][kLanes];
};

WarpClock& clock_of(int warp) {
  static WarpClock clocks[kMaxThreads / kLanes];
  WarpClock& clock = clocks[warp];
  if (clock.block != now.block) {
    std::memset(&clock, 0, sizeof clock);
    clock.block = now.block;
  }
  return clock;
}

// Which blocks of this launch have come to which counter, and those that the running block sees.
struct Arrivals {
  std::map<const void*, std::set<uint32_t>> at;
  uint32_t block = 0;  // that sees
  std::set<uint32_t> seen;
};

Arrivals& arrivals() {
  static Arrivals all;
  return all;
}

bool is_before_now(const Access& a, bool shared) {
  if (a.block < now.launch_first_block) return true;
  if (a.block != now.block)  // each block has its own shared memory
    return shared || (arrivals().block == now.block && arrivals().seen.contains(a.block));
  if (a.thread == now.thread || a.interval < now.interval) return true;
  if (a.thread / kLanes != now.thread / kLanes) return false;
  return clock_of(now.thread / kLanes).seen[now.thread % kLanes][a.thread % kLanes] > a.fences;
}

bool collide(const Access& earlier, const Access& me, bool shared) {
  return (earlier.bytes & me.bytes) != 0 && !(earlier.atomic && me.atomic) && !is_before_now(earlier, shared);
}

}  // namespace

void start_launch() {
  now.launch_first_block = now.block + 1;
  arrivals() = {};
}

void arrive(const void* counter) { arrivals().at[counter].insert(now.block); }

void see_arrived(const void* counter) {
  Arrivals& all = arrivals();
  if (all.block != now.block) all.seen.clear();
  all.block = now.block;
  all.seen.insert(all.at[counter].begin(), all.at[counter].end());
}

void fence_lanes(int warp, uint32_t lanes) {
  WarpClock& clock = clock_of(warp);
  uint32_t joined[kLanes] = {};
  for (int i = 0; i < kLanes; ++i) {
    if (!(lanes >> i & 1)) continue;
    ++clock.fences[i];
    for (int j = 0; j < kLanes; ++j) joined[j] = std::max(joined[j], clock.seen[i][j]);
  }
  for (int i = 0; i < kLanes; ++i)
    if (lanes >> i & 1) joined[i] = clock.fences[i];
  for (int i = 0; i < kLanes; ++i)
    if (lanes >> i & 1) std::memcpy(clock.seen[i], joined, sizeof joined);
}

void access(const void* start, size_t bytes, bool write, bool atomic, const void* pc) {
  if (!now.in_kernel) return;
  Memory& m = memory();
  if (!m.contains(start)) return;  // a local variable or a constant
  const auto* first = static_cast<const char*>(start);
  const bool shared = m.is_shared(first);
  const auto report = [&](const char* what, bool as_write, const Access* other, bool other_writes) {
    record_failure({}, describe(what, first, bytes, as_write, pc, other, other_writes));
    abandon_block();
  };

  Access me{pc,         now.block, now.interval, clock_of(now.thread / kLanes).fences[now.thread % kLanes],
            now.thread, 0,         atomic};
  for (const char *p = first, *const end = first + bytes; p < end; p += __builtin_popcount(me.bytes)) {
    Word& word = m.word(p);
    me.bytes = bytes_in_word(p, end);
    const ByteState state = m.state(p);
    if ((state.allocated & me.bytes) != me.bytes) report("out of bounds", write, nullptr, false);
    if ((!write || atomic) && (state.written & me.bytes) != me.bytes)
      report("uninitialised", false, nullptr, false);
    if (collide(word.write, me, shared)) report("race", write, &word.write, true);
    if (write) {
      for (const Access& read : word.reads)
        if (collide(read, me, shared)) report("race", true, &read, false);
      word.write = me;
      m.state(p).written |= me.bytes;
    } else {
      Access& recent = word.reads[0];
      const bool other_reader =
          recent.block == me.block && recent.interval == me.interval && recent.thread != me.thread;
      word.reads[other_reader ? 1 : 0] = me;
    }
  }
}

}  // namespace gabor::simt::host::check
