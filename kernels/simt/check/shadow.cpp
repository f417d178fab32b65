// Memory of the emulated GPU in the check build, and which of its bytes are allocated and written.
#include "kernels/simt/check/shadow.h"

#include <sys/mman.h>

#include <cstring>

#include "kernels/simt/host/machine.h"

namespace gabor::simt::host::check {
namespace {

constexpr size_t kMemoryBytes = size_t{128} << 20;
constexpr size_t kBufferAlign = 256, kBufferGap = 4096;  // a gap an overrun falls into

char* map_pages(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw Error("no address space for the memory of the emulated GPU");
  return static_cast<char*>(p);
}

enum class Mark { allocated, free, written, unwritten };

void mark(const void* start, size_t bytes, Mark how) {
  Memory& m = memory();
  const auto* p = static_cast<const char*>(start);
  for (const char* const end = p + bytes; p < end;) {
    const uint8_t bits = bytes_in_word(p, end);
    ByteState& state = m.state(p);
    switch (how) {
      case Mark::allocated:
        state.allocated |= bits;
        break;
      case Mark::free:
        state.allocated &= uint8_t(~bits);
        break;
      case Mark::written:
        state.written |= bits;
        break;
      case Mark::unwritten:
        state.written &= uint8_t(~bits);
        break;
    }
    p += __builtin_popcount(bits);
  }
}

void add_buffer(char* p, size_t bytes, const char* name) {
  mark(p, bytes, Mark::allocated);
  mark(p, bytes, Mark::unwritten);
  memory().buffers[p] = {bytes, name};
}

// Gives the records of a freed buffer back to the system. The pages at its ends reach no other buffer: the gap
// between buffers is several pages of records wide.
void drop_records(char* p, size_t bytes) {
  constexpr size_t kPage = 4096;
  static_assert(kBufferGap / 4 * sizeof(Word) > 2 * kPage);
  const auto from = reinterpret_cast<uintptr_t>(&memory().word(p)) / kPage * kPage;
  const auto to = (reinterpret_cast<uintptr_t>(&memory().word(p + bytes)) + kPage - 1) / kPage * kPage;
  madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

char* round_up(char* p, size_t align) {
  return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(p) + align - 1) / align * align);
}

// The first free place for a buffer at or after `from`; null if there is none.
char* find_room(char* from, size_t bytes) {
  Memory& m = memory();
  char* at = round_up(from + kBufferGap, kBufferAlign);
  auto after = m.buffers.lower_bound(at);
  if (after != m.buffers.begin()) {
    const auto before = std::prev(after);
    at = std::max(at, round_up(before->first + before->second.bytes + kBufferGap, kBufferAlign));
  }
  for (; after != m.buffers.end() && at + bytes + kBufferGap > after->first; ++after)
    at = std::max(at, round_up(after->first + after->second.bytes + kBufferGap, kBufferAlign));
  return at + bytes <= m.base + kMemoryBytes ? at : nullptr;
}

}  // namespace

Memory& memory() {
  static Memory m = [] {
    Memory fresh;
    fresh.base = map_pages(kMemoryBytes);
    fresh.words = reinterpret_cast<Word*>(map_pages(kMemoryBytes / 4 * sizeof(Word)));
    fresh.states = reinterpret_cast<ByteState*>(map_pages(kMemoryBytes / 4 * sizeof(ByteState)));
    fresh.next = fresh.base + kArenaBytes;
    return fresh;
  }();
  return m;
}

bool Memory::contains(const void* p) const {
  return size_t(static_cast<const char*>(p) - base) < kMemoryBytes;
}
bool Memory::is_shared(const void* p) const {
  return size_t(static_cast<const char*>(p) - base) < kArenaBytes;
}

uint8_t bytes_in_word(const char* p, const char* end) {
  const size_t first = reinterpret_cast<uintptr_t>(p) % 4;
  const size_t last = std::min<size_t>(4, first + size_t(end - p));
  return uint8_t(((1u << last) - 1) & ~((1u << first) - 1));
}

char* arena() { return memory().base; }

void start_block() {
  Memory& m = memory();
  for (auto it = m.buffers.begin(); it != m.buffers.end() && m.is_shared(it->first); it = m.buffers.erase(it))
    mark(it->first, it->second.bytes, Mark::free);
  ++now.block;
  now.interval = 0;
  now.in_kernel = true;
}

void declare_shared(void* p, size_t bytes, const char* name) {
  add_buffer(static_cast<char*>(p), bytes, name);
}

// Places are taken up again as late as possible, so that a pointer to a freed buffer stays invalid for long.
void* allocate(size_t bytes, const char* name) {
  Memory& m = memory();
  char* p = find_room(m.next, bytes);
  if (p == nullptr) p = find_room(m.base + kArenaBytes, bytes);
  if (p == nullptr) return nullptr;
  add_buffer(p, bytes, name);
  m.next = p + bytes;
  return p;
}

void release(void* p) {
  Memory& m = memory();
  const auto it = m.buffers.find(static_cast<char*>(p));
  if (p == nullptr || it == m.buffers.end()) return;
  mark(p, it->second.bytes, Mark::free);
  drop_records(it->first, it->second.bytes);
  m.buffers.erase(it);
}

void mark_written(const void* p, size_t bytes) { mark(p, bytes, Mark::written); }
void mark_unwritten(const void* p, size_t bytes) { mark(p, bytes, Mark::unwritten); }

ptrdiff_t first_unwritten(const void* start, size_t bytes) {
  Memory& m = memory();
  const auto* p = static_cast<const char*>(start);
  for (size_t i = 0; i < bytes; ++i)
    if ((m.state(p + i).written & bytes_in_word(p + i, p + i + 1)) == 0) return ptrdiff_t(i);
  return -1;
}

}  // namespace gabor::simt::host::check
