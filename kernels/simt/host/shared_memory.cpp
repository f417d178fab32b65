// Shared memory: arrays are handed out of an arena, with red zones between, as the block's threads come to them.
#include <cstring>

#include "kernels/simt/host/machine.h"

namespace gabor::simt::host {
namespace {

constexpr size_t kStaticLimit =
    48 * 1024;  // what CUDA allows without opting in, and that is for dynamic only

char* arena_memory() {
#if GABOR_SIMT_CHECK
  return check::arena();
#else
  return static_cast<char*>(std::aligned_alloc(4096, kArenaBytes));
#endif
}

void* take(SharedTag& tag, size_t bytes, size_t align, const char* name) {
  SharedArena& arena = machine.shared;
  // An odd multiple of `align` (below 16): exactly as aligned as was asked for, and no better by luck.
  const size_t step = 2 * align, extra = align < 16 ? align : 0;
  const size_t at = (reinterpret_cast<uintptr_t>(arena.next) + step - 1) / step * step + extra;
  tag.address = reinterpret_cast<void*>(at);
  tag.block = machine.block_number;
  arena.next = reinterpret_cast<char*>((at + bytes + kRedZone + 15) / 16 * 16);
  asan::unpoison(tag.address, bytes);
  std::memset(tag.address, 0xff, bytes);
  check::declare_shared(tag.address, bytes, name);
  return tag.address;
}

}  // namespace

void start_shared_memory() {
  SharedArena& arena = machine.shared;
  if (arena.base == nullptr) {
    arena.base = arena_memory();
    arena.next = arena.base + kArenaBytes;
  }
  asan::poison(arena.base, size_t(arena.next - arena.base));  // what the last block used
  arena.next = arena.base + kRedZone;
  arena.used = machine.launch->smem;
}

void* shared_array(SharedTag& tag, size_t bytes, size_t align, const char* name) {
  if (tag.block == machine.block_number) return tag.address;
  size_t& used = machine.shared.used;
  used += bytes;
  if (used > settings().shared_limit || used - machine.launch->smem > kStaticLimit)
    trap("shared array " + std::string(name) + " brings the block to " + std::to_string(used) +
             " bytes of shared memory; " + std::to_string(kStaticLimit) + " static and " +
             std::to_string(settings().shared_limit) + " in all can be had",
         {});
  return take(tag, bytes, align, name);
}

void* shared_dynamic() {
  static SharedTag tag;
  if (tag.block == machine.block_number) return tag.address;
  return take(tag, machine.launch->smem, 16, "(dynamic)");
}

void touch(const void* p, size_t bytes, bool write, const void* pc, Site site) {
  if (asan::is_poisoned(p, bytes))
    trap("shared memory out of bounds, or the target of a cp.async that was not waited for", site);
  check::access(p, bytes, write, false, pc);
}

}  // namespace gabor::simt::host
