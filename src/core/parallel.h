// Parallel loops on the compiler's OpenMP team: oneDNN runs on the same one, so that its threads and ours are
// one set and never fight for the cores.
#pragma once
#include <cstdint>
#include <type_traits>

namespace gabor {

int max_threads();            // of the team that the calling thread leads, at least 1
void set_max_threads(int n);  // likewise: OpenMP keeps the number for each thread that leads teams

namespace detail {
using RangeFunction = void (*)(void* self, int64_t begin, int64_t end, int thread);
void run_ranges(int64_t count, int threads, RangeFunction function, void* self);
}  // namespace detail

// Splits 0..count-1 into one contiguous range a thread and calls body(begin, end, thread), thread <
// max_threads(). Runs inline when one thread is enough. An exception in the body is rethrown here (the first
// by thread number).
template <class Body>
void parallel_ranges(int64_t count, Body&& body, int threads = 0) {
  using B = std::remove_reference_t<Body>;
  detail::run_ranges(
      count, threads,
      [](void* self, int64_t begin, int64_t end, int thread) {
        (*static_cast<B*>(self))(begin, end, thread);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// body(i) for each i, in contiguous ranges. With grain, no thread is given fewer than grain items (small
// loops stay inline).
template <class Body>
void parallel_for(int64_t count, Body&& body, int64_t grain = 1) {
  const int64_t wanted = grain > 1 ? (count + grain - 1) / grain : count;
  const int threads = int(wanted < max_threads() ? wanted : max_threads());
  parallel_ranges(
      count,
      [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) body(i);
      },
      threads < 1 ? 1 : threads);
}

}  // namespace gabor
