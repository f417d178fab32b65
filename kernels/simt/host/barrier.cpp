// __syncthreads and its kin.
#include <cstring>

#include "kernels/simt/host/machine.h"

namespace gabor::simt::host {
namespace {

bool same(Site a, Site b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

void release(const Thread* last) {
  BlockBarrier& barrier = machine.barrier;
  switch (barrier.kind) {
    case BarrierKind::sync:
      barrier.result = 0;
      break;
    case BarrierKind::all:
      barrier.result = barrier.votes == barrier.waiting;
      break;
    case BarrierKind::any:
      barrier.result = barrier.votes > 0;
      break;
    case BarrierKind::count:
      barrier.result = barrier.votes;
      break;
  }
  barrier.waiting = barrier.votes = 0;
  check::pass_barrier();
  for (int i = 0; i < machine.thread_count; ++i) {
    Thread& thread = machine.threads[i];
    if (thread.state == ThreadState::at_barrier && &thread != last) make_ready(thread);
  }
}

// On a GPU threads that have returned may or may not count as arrived, by its age: always an error here.
void report_returned_threads(Site site) {
  record_failure(site, std::to_string(machine.barrier.waiting) + " of " +
                           std::to_string(machine.thread_count) +
                           " threads wait at this barrier, the others have returned");
}

}  // namespace

int block_barrier(BarrierKind kind, bool predicate, Site site) {
  Thread& thread = *machine.current;
  BlockBarrier& barrier = machine.barrier;
  if (barrier.waiting == 0) {
    barrier.kind = kind;
    barrier.site = site;
  } else if (kind != barrier.kind || !same(site, barrier.site)) {
    trap("divergent barrier: " + std::to_string(barrier.waiting) + " thread(s) wait at " +
             to_string(barrier.site),
         site);
  }
  ++barrier.waiting;
  barrier.votes += predicate;
  thread.state = ThreadState::at_barrier;
  thread.waits_in = "__syncthreads";
  thread.waits_at = site;
  if (barrier.waiting < machine.thread_count - machine.returned) {
    suspend_current();
  } else if (machine.returned > 0) {
    report_returned_threads(site);
    leave_thread();
  } else {
    release(&thread);
    thread.state = ThreadState::running;
  }
  return barrier.result;
}

void check_barrier_after_return() {
  const int waiting = machine.barrier.waiting;
  if (waiting > 0 && waiting == machine.thread_count - machine.returned)
    report_returned_threads(machine.barrier.site);
}

}  // namespace gabor::simt::host
