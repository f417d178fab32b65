// How threads share the sums over a batch: each of its chunks (ops/batch_chunks.h) is cut into parts with a sum each,
// which are added up in order. A chunk's parts follow from the chunk alone, not from the batch, nor from the threads.
#pragma once
#include <algorithm>
#include <cstdint>

#include "ops/batch_chunks.h"

namespace gabor::cpu {

// Chunks worked on at a time: one fork of the threads for each so many, and memory for their sums.
constexpr int64_t kChunksAtOnce = 2;

struct ChunkParts {
  int64_t images = 0, items = 1;  // of the batch; of an image (tiles, bands of rows)
  int64_t most = 1;               // parts of a chunk, if it has as many items

  int64_t chunks() const { return chunk_count(images); }
  int64_t count() const { return first(chunks() - 1) + of(chunks() - 1); }  // of all chunks
  int64_t first(int64_t chunk) const { return chunk * of(0); }              // number of a chunk's first part
  int64_t of(int64_t chunk) const { return std::min(most, chunk_items(chunk)); }

  // Items begin .. end - 1, counted over the whole batch.
  struct Part {
    int64_t begin, end;
  };
  Part part(int64_t number) const {
    const int64_t chunk = number / of(0), i = number - first(chunk), before = chunk * kBatchChunk * items;
    return {before + chunk_items(chunk) * i / of(chunk), before + chunk_items(chunk) * (i + 1) / of(chunk)};
  }

 private:
  int64_t chunk_items(int64_t chunk) const {
    return std::min(kBatchChunk, images - chunk * kBatchChunk) * items;
  }
};

}  // namespace gabor::cpu
