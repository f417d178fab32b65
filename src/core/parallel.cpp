#include "core/parallel.h"

#include <omp.h>

#include <exception>
#include <mutex>

#if defined(GABOR_TSAN)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#else
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
#endif

namespace gabor {

int max_threads() { return omp_get_max_threads(); }
void set_max_threads(int n) { omp_set_num_threads(n < 1 ? 1 : n); }

namespace detail {

void run_ranges(int64_t count, int threads, RangeFunction function, void* self) {
  if (count <= 0) return;
  if (threads <= 0 || threads > max_threads()) threads = max_threads();
  if (threads > count) threads = int(count);
  if (threads == 1) return function(self, 0, count, 0);
  std::mutex mutex;
  std::exception_ptr error;  // of the lowest thread that failed
  int failed = threads;
  char fork = 0, join = 0;
  __tsan_release(&fork);
#pragma omp parallel num_threads(threads)
  {
    __tsan_acquire(&fork);
    // The runtime may give fewer threads than asked for: each takes every team-th range, so that all are run.
    for (int t = omp_get_thread_num(); t < threads; t += omp_get_num_threads()) {
      try {
        function(self, count * t / threads, count * (t + 1) / threads, t);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (t < failed) failed = t, error = std::current_exception();
      }
    }
    __tsan_release(&join);
  }
  __tsan_acquire(&join);
  if (error) std::rethrow_exception(error);
}

}  // namespace detail
}  // namespace gabor
