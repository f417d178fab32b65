#pragma once
#include <string_view>

#include "core/tensor.h"
#include "ops/context.h"

namespace gabor {

// Work that needs one resource of the device and nothing else. Timed, it gives the roofs that other work is held
// against (Williams, Waterman, Patterson: "Roofline: an insightful visual performance model", CACM 52(4), 2009).
class Roofs {
 public:
  virtual ~Roofs() = default;
  // y = x, in whole: any type, as many bytes. Moves twice x.bytes() through memory.
  virtual void copy(Context&, ConstTensorView x, TensorView y) const = 0;
  // Multiply-adds of independent values in registers, `rounds` of them in each lane of the whole device, by the
  // arithmetic that Traits::math names; y is f32 with fma_outputs() elements and takes the sums, so that nothing can be
  // left out. Returns the FLOPs done (2 a multiply-add); 0, with nothing done, for arithmetic that the device lacks.
  virtual double multiply_add(Context&, std::string_view math, int64_t rounds, TensorView y) const = 0;
  virtual int64_t fma_outputs() const = 0;
};

}  // namespace gabor
