// What became of --precision in a net.
#pragma once
#include <string>

#include "model/plan.h"

namespace gabor {

// Of a training plan that was compiled with the library (Library::precision): passes of convolutions and dense layers.
struct PrecisionUse {
  std::string precision;       // as asked for
  DType storage = DType::f32;  // of the tensors between ops
  int lower = 0, of = 0;       // those that compute in it, and all
  bool known = false;          // whether any backend has it
};

PrecisionUse precision_use(const Plan& plan, const Library& library);
// "tf32 in 7 of 9 passes of convolutions and dense layers, ...", "bf16 in memory and in products, ..."; "" where fp32 was
// asked for.
std::string precision_text(const PrecisionUse& use, const std::string& device);

}  // namespace gabor
