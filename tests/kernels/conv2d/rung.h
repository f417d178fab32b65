// A rung's launchers behind one face, so that the same checks run over each.
#pragma once
#include "kernels/common/slices.h"
#include "kernels/conv2d/case.h"

namespace gabor::kernels::conv2d {

struct Rung {
  const char* name;
  bool (*takes)(const Conv2dProblem& p);
  void (*fprop)(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                void* y, Stream stream);
  void (*dgrad)(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                bool accumulate, Stream stream);
  size_t (*workspace)(const Conv2dProblem& p, int slices);
  void (*wgrad)(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw, float* db,
                bool accumulate, int slices, const JoinMemory& memory, Stream stream);
  double f32_factor_u = 0;  // unit roundoff to which f32 is rounded before it is multiplied; TF32: 2^-11
};

struct Results {
  std::vector<float> y, dx, dw, db;  // db empty if the case has no bias
};

// All three passes. Every buffer ends where its tensor does, and starts as NaN unless its old values are added to.
Results run(const Case& c, const Rung& rung, int slices);

// A failure of the running test for each tensor that is not what the oracle says. f32_factor_u: that of the rung.
void expect_right(const Case& c, const Results& got, Data data, double f32_factor_u = 0);

// `count` problems of draw(random), each in one storage type, integers and reals in turn, 1 to 4 slices or 35; stops at the
// first failure. Says how many they were.
void check_random_problems(const Rung& rung, int count, Conv2dProblem (*draw)(std::mt19937&));

}  // namespace gabor::kernels::conv2d
