// Barriers and warp collectives in CUDA's spelling, over runtime.h.
#pragma once
#include "kernels/simt/host/runtime.h"

inline void __syncthreads(gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  block_barrier(gabor::simt::host::BarrierKind::sync, false, site);
}
inline int __syncthreads_and(int p, gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  return block_barrier(gabor::simt::host::BarrierKind::all, p != 0, site);
}
inline int __syncthreads_or(int p, gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  return block_barrier(gabor::simt::host::BarrierKind::any, p != 0, site);
}
inline int __syncthreads_count(int p, gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  return block_barrier(gabor::simt::host::BarrierKind::count, p != 0, site);
}
inline void __threadfence() {}  // blocks run one after another; what they may read is the checker's business
inline void __threadfence_block() {}

namespace gabor::simt::host {

template <class F>
void for_lanes(uint32_t lanes, F f) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) f(__builtin_ctz(rest));
}

// ---- shuffles ---------------------------------------------------------------------------------------------
template <class T>
struct ShuffleSlot {
  T mine, result;
  int source;
  bool source_missing;
};

template <class T>
void run_shuffle(void* const* slots, uint32_t lanes) {
  for_lanes(lanes, [&](int lane) {
    auto& slot = *static_cast<ShuffleSlot<T>*>(slots[lane]);
    if (lanes >> slot.source & 1) {
      slot.result = static_cast<ShuffleSlot<T>*>(slots[slot.source])->mine;
    } else {
      slot.source_missing = true;
    }
  });
}

template <class T>
T shuffle(const char* name, uint32_t mask, T v, int source, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  ShuffleSlot<T> slot{v, v, source, false};
  warp_collective({name, false, false, run_shuffle<T>}, mask, &slot, site);
  if (slot.source_missing)
    trap(std::string(name) + " reads lane " + std::to_string(source) +
             ", which is outside the mask or has returned",
         site);
  return slot.result;
}

// The first lane of this lane's segment of `width` lanes (a power of two).
inline int segment_start(int width) { return int(lane_id()) & ~(width - 1); }

// ---- votes, reductions, matches: each lane gets a function of the values of all ------------------------------
template <class T, class Result>
struct GatherSlot {
  T mine;
  Result result;
};

// F: static Result of(const T* values, uint32_t lanes, int lane).
template <class F, class T, class Result>
void run_gather(void* const* slots, uint32_t lanes) {
  T values[32] = {};
  for_lanes(lanes, [&](int lane) { values[lane] = static_cast<GatherSlot<T, Result>*>(slots[lane])->mine; });
  for_lanes(lanes, [&](int lane) {
    static_cast<GatherSlot<T, Result>*>(slots[lane])->result = F::of(values, lanes, lane);
  });
}

template <class F, class Result, class T>
Result gather(const char* name, uint32_t mask, T v, Site site) {
  GatherSlot<T, Result> slot{v, {}};
  warp_collective({name, false, false, run_gather<F, T, Result>}, mask, &slot, site);
  return slot.result;
}

struct Ballot {
  static uint32_t of(const bool* values, uint32_t lanes, int) {
    uint32_t ballot = 0;
    for_lanes(lanes, [&](int lane) { ballot |= uint32_t(values[lane]) << lane; });
    return ballot;
  }
};

template <auto kCombine>
struct Fold {
  template <class T>
  static T of(const T* values, uint32_t lanes, int) {
    T result = values[__builtin_ctz(lanes)];
    for_lanes(lanes & (lanes - 1), [&](int lane) { result = kCombine(result, values[lane]); });
    return result;
  }
};

struct MatchAny {
  template <class T>
  static uint32_t of(const T* values, uint32_t lanes, int me) {
    uint32_t equal = 0;
    for_lanes(lanes, [&](int lane) { equal |= uint32_t(values[lane] == values[me]) << lane; });
    return equal;
  }
};

inline uint32_t ballot(const char* name, uint32_t mask, bool predicate, Site site) {
  return gather<Ballot, uint32_t>(name, mask, predicate, site);
}

}  // namespace gabor::simt::host

inline void __syncwarp(uint32_t mask = 0xffffffffu,
                       gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  warp_collective({"__syncwarp", false, true, [](void* const*, uint32_t) {}}, mask, nullptr, site);
}

template <class T>
T __shfl_sync(uint32_t mask, T v, int source, int width = 32,
              gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  const int lane = gabor::simt::host::segment_start(width) + (source & (width - 1));
  return gabor::simt::host::shuffle("__shfl_sync", mask, v, lane, site);
}
template <class T>
T __shfl_xor_sync(uint32_t mask, T v, int flip, int width = 32,
                  gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  const int me = int(gabor::simt::host::lane_id()), lane = me ^ flip;
  const bool outside = lane >= gabor::simt::host::segment_start(width) + width;
  return gabor::simt::host::shuffle("__shfl_xor_sync", mask, v, outside ? me : lane, site);
}
template <class T>
T __shfl_down_sync(uint32_t mask, T v, unsigned delta, int width = 32,
                   gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  const int me = int(gabor::simt::host::lane_id()), lane = me + int(delta);
  const bool outside = lane >= gabor::simt::host::segment_start(width) + width;
  return gabor::simt::host::shuffle("__shfl_down_sync", mask, v, outside ? me : lane, site);
}
template <class T>
T __shfl_up_sync(uint32_t mask, T v, unsigned delta, int width = 32,
                 gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  const int me = int(gabor::simt::host::lane_id()), lane = me - int(delta);
  const bool outside = lane < gabor::simt::host::segment_start(width);
  return gabor::simt::host::shuffle("__shfl_up_sync", mask, v, outside ? me : lane, site);
}

inline uint32_t __ballot_sync(uint32_t mask, int p,
                              gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  return gabor::simt::host::ballot("__ballot_sync", mask, p != 0, site);
}
inline int __any_sync(uint32_t mask, int p, gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  return gabor::simt::host::ballot("__any_sync", mask, p != 0, site) != 0;
}
inline int __all_sync(uint32_t mask, int p, gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  return gabor::simt::host::ballot("__all_sync", mask, p == 0, site) == 0;
}

namespace gabor::simt {

template <class T>
T reduce_add(uint32_t mask, T v, host::Site site = host::Site::here()) {
  return host::gather<host::Fold<[](T a, T b) { return T(a + b); }>, T>("reduce_add", mask, v, site);
}
template <class T>
T reduce_min(uint32_t mask, T v, host::Site site = host::Site::here()) {
  return host::gather<host::Fold<[](T a, T b) { return b < a ? b : a; }>, T>("reduce_min", mask, v, site);
}
template <class T>
T reduce_max(uint32_t mask, T v, host::Site site = host::Site::here()) {
  return host::gather<host::Fold<[](T a, T b) { return a < b ? b : a; }>, T>("reduce_max", mask, v, site);
}
template <class T>
uint32_t match_any(uint32_t mask, T v, host::Site site = host::Site::here()) {
  return host::gather<host::MatchAny, uint32_t>("match_any", mask, v, site);
}

inline bool last_block(unsigned* counter, unsigned blocks) {
  host::arrive(counter);
  if (__atomic_fetch_add(counter, 1u, __ATOMIC_RELAXED) != blocks - 1) return false;
  __atomic_exchange_n(counter, 0u, __ATOMIC_RELAXED);
  host::see_arrived(counter);
  return true;
}

}  // namespace gabor::simt
