// What a training plan whose tensors are 16-bit has beside its steps. Weights, their gradients and the optimizer's moments
// stay f32 (Micikevicius et al.: "Mixed Precision Training", 2018).
#pragma once
#include <vector>

#include "ops/cast.h"
#include "ops/gradient_norm.h"
#include "ops/library.h"

namespace gabor {

struct MixedPrecision {
  DType storage = DType::f32;  // of activations, their gradients, and the weights that products read
  const Cast* cast = nullptr;  // weights to their copy in storage, before each step; null: storage is f32
  // Where gradients may be beyond the storage's range (f16): the loss is scaled, and a step whose gradients are not all
  // numbers moves nothing. Null: neither.
  const GradientNorm* norm = nullptr;
};

// For a net with so many elements of parameters, as the library stores. Throws Error{device} where no backend has what it
// needs.
MixedPrecision choose_mixed_precision(const Library& library, int64_t parameter_elements,
                                      std::vector<ChoiceRecord>& records);

}  // namespace gabor
