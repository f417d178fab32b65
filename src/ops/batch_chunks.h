// Why a batch in parts has the bits of the batch at once. The rule, for every op whose problem has N images:
//
//   a call for N images leaves the very bits that calls for kBatchChunk images at a time leave, one after the other
//   (the last for what remains): what belongs to an image (y, dx) side by side; gradients of parameters (dw, db) with
//   the caller's GradMode in the first call and GradMode::accumulate in the others.
//
// So a sum over the batch is a sum for each chunk, added to those before it in order and rounded to float each time, and
// nothing that belongs to an image depends on which images are beside it. Micro-batches of a multiple of kBatchChunk
// images then make the gradients of the whole batch, bit for bit. Not under the rule: batchnorm, whose statistics are of
// all rows, and the loss' sum, which goes into no gradient. The backends reference and cpu keep it.
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/problem/first_block.h"
#include "ops/support.h"

namespace gabor {

// Small, so that most micro-batches are a multiple of it; large enough for a chunk to keep the threads of a CPU busy, and
// for adding up to cost little beside the products.
constexpr int64_t kBatchChunk = 32;

constexpr int64_t chunk_count(int64_t N) { return (N + kBatchChunk - 1) / kBatchChunk; }

template <class Problem>
int64_t images(const Problem& p) {
  return p.N;
}
inline int64_t images(const FirstBlockProblem& p) { return p.conv.N; }

// The same problem for N images.
template <class Problem>
Problem with_images(Problem p, int64_t N) {
  p.N = N;
  return p;
}
inline FirstBlockProblem with_images(FirstBlockProblem p, int64_t N) {
  p.conv.N = p.pool.N = N;
  return p;
}

// body(problem of the chunk, its first image) for each chunk of a batch, in order; or for each `at_once` chunks.
template <class Problem, class Body>
void for_batch_chunks(const Problem& p, Body&& body, int64_t at_once = 1) {
  const int64_t step = at_once * kBatchChunk;
  for (int64_t first = 0; first < images(p); first += step)
    body(with_images(p, std::min(step, images(p) - first)), first);
}

// How the chunk that begins at image `first` writes the gradient of a parameter.
constexpr GradMode chunk_mode(int64_t first, GradMode mode) {
  return first > 0 ? GradMode::accumulate : mode;
}

}  // namespace gabor
