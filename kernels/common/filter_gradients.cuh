// Where the filter gradients that are summed in slices end up: sums[slice][k][columns], a filter's taps and after them, if
// it is wanted, its bias gradient.
#pragma once
#include "kernels/common/join_slices.cuh"

namespace gabor::kernels {

struct FilterGradients {
  Slices slices;
  int32_t taps, columns;  // of a filter; these, and 1 if db is wanted
  bool accumulate;
  float* dw;  // K,taps
  float* db;  // K; may be null

  // tiles: parts that each slice's sums are made in, by as many blocks. Throws simt::Error if these are too many to join.
  FilterGradients(int64_t K, int64_t filter_taps, int slice_count, int64_t tiles, const JoinMemory& memory,
                  float* dw_, float* db_, bool add)
      : slices{memory.sums, K * (filter_taps + (db_ ? 1 : 0)), slice_count, memory.counters},
        taps(int32_t(filter_taps)),
        columns(taps + (db_ ? 1 : 0)),
        accumulate(add),
        dw(dw_),
        db(db_) {
    if (join_counters(tiles, slice_count) > kJoinCounters)
      throw simt::Error("filter gradients: too many tiles for a sum in slices");
  }

  // Where a slice's sum for column j of filter k is.
  __device__ int64_t offset(int64_t k, int32_t j) const { return k * columns + j; }
  __device__ float& of_slice(int64_t slice, int64_t at) const {
    return slices.sums[slice * slices.stride + at];
  }

  // The sum over all slices.
  __device__ void operator()(int64_t at, float sum) const {
    const int64_t k = at / columns, j = at % columns;
    float* const to = j < taps ? dw + k * taps + j : db + k;
    *to = accumulate ? *to + sum : sum;
  }
};

}  // namespace gabor::kernels
