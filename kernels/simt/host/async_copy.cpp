// cp.async: the copy is made when its thread waits for it, the latest that is legal.
#include <cstring>

#include "kernels/simt/host/machine.h"

namespace gabor::simt::host {
namespace {

void land(const AsyncCopy& copy) {
  check::access(copy.src, copy.src_bytes, false, false, copy.pc);
  check::access(copy.dst, copy.bytes, true, false, copy.pc);
  asan::unpoison(copy.dst, copy.bytes);
  std::memcpy(copy.dst, copy.src, copy.src_bytes);
  std::memset(static_cast<char*>(copy.dst) + copy.src_bytes, 0, copy.bytes - copy.src_bytes);
}

bool is_aligned(const void* p, unsigned bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

}  // namespace

__attribute__((noinline)) void start_copy(void* dst, const void* src, unsigned bytes, unsigned src_bytes,
                                          Site site) {
  Thread& thread = *machine.current;
  const void* pc = __builtin_return_address(0);
  if (src_bytes > bytes) trap("cp.async: more source bytes than bytes", site);
  if (!is_aligned(dst, bytes) || (src_bytes > 0 && !is_aligned(src, bytes)))
    trap("cp.async: an address is not a multiple of the " + std::to_string(bytes) + " bytes copied", site);
  if (thread.copy_count == kMaxCopies) trap("cp.async: more than 64 copies of a thread under way", site);
  if (asan::is_poisoned(dst, bytes))
    trap("cp.async: the target is out of bounds, or another copy to it is under way", site);
  if (asan::is_poisoned(src, src_bytes)) trap("cp.async: the source is out of bounds", site);
  check::access(dst, bytes, true, false, pc);
  std::memset(dst, 0xff, bytes);
  check::mark_unwritten(dst, bytes);
  asan::poison(dst, bytes);
  thread.copies[thread.copy_count++] = {dst, src, bytes, src_bytes, thread.copy_group, pc};
}

void end_copy_group() { ++machine.current->copy_group; }

void wait_for_copies(int pending_groups) {
  Thread& thread = *machine.current;
  const int first_pending = thread.copy_group - pending_groups;
  int kept = 0;
  for (int i = 0; i < thread.copy_count; ++i) {
    if (thread.copies[i].group < first_pending) {
      land(thread.copies[i]);
    } else {
      thread.copies[kept++] = thread.copies[i];
    }
  }
  thread.copy_count = kept;
}

}  // namespace gabor::simt::host
