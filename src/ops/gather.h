#pragma once
#include "core/problem/gather.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// A batch out of a set of pictures in the device's memory. Whole numbers: every backend has the same bits.
class Gather {
 public:
  virtual ~Gather() = default;
  virtual Support supports(const GatherProblem& p) const {
    return p.H <= GatherProblem::kMostExtent && p.W <= GatherProblem::kMostExtent
               ? Support::yes()
               : Support::no("a side of more than 65535 pixels");
  }
  // x: u8 pictures,H,W,C. rows: N of them in the device's memory, each with picture < p.pictures. y: u8 N,H,W,C.
  virtual void forward(Context&, const GatherProblem&, ConstTensorView x, const PictureRow* rows,
                       TensorView y) const = 0;
};

}  // namespace gabor
