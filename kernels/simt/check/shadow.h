// The access checker: what is known of every 4 bytes of the emulated GPU's memory, and how it is judged.
//
// Kernels are compiled with -fsanitize=thread, which makes the compiler call __tsan_read4(address) and the like at
// every access; entry_points.cpp is these functions, and libtsan is not linked. Each call ends in access(), which
//   - refuses bytes that belong to no buffer or shared array (out of bounds),
//   - refuses reads of bytes that nobody wrote (uninitialised),
//   - refuses two accesses of different threads, one of them a write, that nothing orders (race): in order are
//     accesses with a __syncthreads, a __syncwarp of both lanes or the end of a launch between them, and, after
//     simt::last_block, those of the blocks that came to its counter before. Two atomics never race.
// Unlike a detector that follows the schedule, it finds a race in whatever order the threads happen to run. It
// remembers the last write and two reads of a word, so a third reader's race can go unseen; and of a word whose
// bytes have several owners only the last access. What it reports is always there.
#pragma once
#include <map>
#include <string>

#include "kernels/simt/host/access_check.h"

namespace gabor::simt::host::check {

struct Access {
  const void* pc;
  uint32_t block, interval;  // number of the block, barriers that it had passed
  uint32_t fences;           // __syncwarps that the thread had joined in
  uint16_t thread;
  uint8_t bytes;  // of the word, a bit each; 0: no access
  bool atomic;
};

struct Word {
  Access write, reads[2];
};

// Of a word, a bit a byte. Apart from Word: a buffer that is allocated need not be touched 18 times over.
struct ByteState {
  uint8_t allocated : 4, written : 4;
};

// All memory of the emulated GPU is one range of addresses: the shared arena, then device buffers.
struct Memory {
  char* base = nullptr;
  Word* words = nullptr;
  ByteState* states = nullptr;
  char* next = nullptr;  // where the search for room for a buffer starts
  struct Buffer {
    size_t bytes;
    std::string name;
  };
  std::map<char*, Buffer> buffers;  // device buffers, and the shared arrays of the running block

  bool contains(const void* p) const;
  bool is_shared(const void* p) const;
  Word& word(const char* p) { return words[(p - base) / 4]; }
  ByteState& state(const char* p) { return states[(p - base) / 4]; }
};
Memory& memory();

// The bits of the bytes [p, end) that lie in the word of p.
uint8_t bytes_in_word(const char* p, const char* end);

// "race: read of 4 bytes, shared s byte 12 of 64, at conv.cu:76; unordered with a write by thread (1,0,0) at ...".
// other: the access it collides with, or null.
std::string describe(const char* what, const char* p, size_t bytes, bool write, const void* pc,
                     const Access* other, bool other_writes);

}  // namespace gabor::simt::host::check
