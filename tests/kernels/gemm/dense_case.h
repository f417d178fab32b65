// One pass of one dense layer by a kernel of kernels/gemm, against the formula in double.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/gemm/gemm.h"

namespace gabor::gemm {

enum class Data {
  real,     // uniform in [-1, 1), rounded to the storage type; scored by error budget
  integer,  // -1, 0, 1: every sum is exact in every storage type, so the result has to match bit for bit
};

struct Case {
  DenseProblem problem;
  Pass pass = Pass::fprop;
  Storage storage = Storage::f32;
  Plan plan;
  Data data = Data::real;
  bool bias = false;        // fprop; wgrad: db is asked for
  bool accumulate = false;  // dgrad, wgrad
  int offset = 0;           // elements from an aligned address to each matrix
  int nan_at = -1;          // this element of A is NaN
  uint64_t seed = 1;
  std::vector<float> y{};  // not empty: dy is multiplied by ReLU's derivative there before anything else
};

std::string to_string(const Case& c);

// Got and wanted values of D, then those of db, and how far apart they may be.
struct Outcome {
  std::vector<float> got;
  std::vector<double> want, budget;
};
// Runs the kernel. Throws simt::Error, as when it wrote beside D.
Outcome run(const Case& c);
// "" if every value is within its budget, else the worst one. NaN is right where NaN is wanted, and only there.
std::string mismatch(const Outcome& o);

// backward() beside dgrad() and wgrad(), on the layer, storage, offset and accumulate of `c`: "" if it gives the same bits.
// through_relu: dy is the gradient after a ReLU, beside passes of the one before it.
std::string backward_mismatch(const Case& c, const Plan& dgrad, const Plan& wgrad, bool through_relu = false);

// Random cases, the same for equal seeds; shapes crowd around the edges of tiles, vectors and steps.
struct Sweep {
  Rung rung = Rung::naive;
  Pass pass = Pass::fprop;
  Storage storage = Storage::f32;
  int cases = 1;
  int largest = 130;      // N, C and K of the layer; more makes a case slower
  int largest_few = 130;  // K of the layer
};
// Runs them; "" or the first case that is wrong, with its seed. Thread orders and flavours get cases of their own.
std::string first_failure(const Sweep& sweep);
// Sweeps over all passes and the given storage types, `cases` each; failures of the running test. Says how many they were.
void check_random_cases(Rung rung, const std::vector<Storage>& storages, int cases, int largest,
                        int largest_few = 130);

}  // namespace gabor::gemm
