// The one rendezvous behind shuffles, votes, __syncwarp, ldmatrix and mma.
#include <cstdio>
#include <cstring>

#include "kernels/simt/host/machine.h"

namespace gabor::simt::host {
namespace {

std::string hex(uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

bool is_complete(const Warp& warp, const Rendezvous& r) { return r.arrived == warp.alive(r.mask); }

void complete(Rendezvous& r, int first_thread, const Thread* last) {
  r.what.run(r.slots, r.arrived);
  if (r.what.orders_memory) check::fence_lanes(first_thread / kLanes, r.arrived);
  r.to_leave = __builtin_popcount(r.arrived);
  r.mask = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    Thread& thread = machine.threads[first_thread + lane];
    if ((r.arrived >> lane & 1) && &thread != last) make_ready(thread);
  }
}

// The rendezvous of that mask that this lane has not come to yet; a free one if there is none.
Rendezvous& find(Warp& warp, uint32_t mask, int lane) {
  Rendezvous* free = nullptr;
  for (Rendezvous& r : warp.rendezvous) {
    if (r.mask == mask && !(r.arrived >> lane & 1)) return r;
    if (free == nullptr && r.mask == 0 && r.to_leave == 0) free = &r;
  }
  return *free;  // there is one: each lane waits in at most one, and 32 of them are there
}

bool fits(const Rendezvous& r, const Collective& what, Site site) {
  if (std::strcmp(r.what.name, what.name) != 0) return false;
  return !what.converged || (r.site.line == site.line && std::strcmp(r.site.file, site.file) == 0);
}

}  // namespace

void warp_collective(const Collective& what, uint32_t mask, void* slot, Site site) {
  Thread& thread = *machine.current;
  Warp& warp = machine.warps[thread.warp()];
  const int lane = thread.lane();
  if (!(mask >> lane & 1))
    trap(std::string(what.name) + ": lane " + std::to_string(lane) + " is not in its own mask " + hex(mask),
         site);
  if (what.converged && warp.alive(mask) != mask)
    trap(std::string(what.name) + " needs all 32 lanes of the warp", site);

  Rendezvous& r = find(warp, mask, lane);
  if (r.mask == 0) {
    r.mask = mask;
    r.arrived = 0;
    r.what = what;
    r.site = site;
  } else if (!fits(r, what, site)) {
    trap("divergent warp collective: lane " + std::to_string(lane) + " calls " + what.name +
             ", others wait in " + r.what.name + " at " + to_string(r.site),
         site);
  }
  r.slots[lane] = slot;
  r.arrived |= 1u << lane;
  thread.state = ThreadState::in_collective;
  thread.waits_in = what.name;
  thread.waits_at = site;
  if (is_complete(warp, r)) {
    complete(r, thread.index - lane, &thread);
    thread.state = ThreadState::running;
  } else {
    suspend_current();
  }
  --r.to_leave;
}

void complete_rendezvous_after_return(Warp& warp, int first_thread) {
  for (Rendezvous& r : warp.rendezvous)
    if (r.mask != 0 && is_complete(warp, r)) complete(r, first_thread, nullptr);
}

}  // namespace gabor::simt::host
