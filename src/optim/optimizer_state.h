// optim: how parameters move. The arithmetic is the backend's (ops/optimizer.h); here are its memory and the
// rates.
#pragma once
#include <string>

#include "device/device.h"
#include "ops/library.h"
#include "ops/optimizer.h"

namespace gabor {

// The moments of one flat parameter arena, and the number of updates made.
class OptimizerState {
 public:
  OptimizerState(const Library& library, const OptimizerProblem& problem,
                 std::vector<ParameterSegment> segments, int64_t elements);

  // Begins the next update, at that rate: what the step of which it is part has to have among its values.
  UpdateValues advance(float lr) { return update_values(problem_, lr, ++updates_); }
  // context.step: with what advance() returned. norm: as Optimizer::update.
  void update(Context& context, TensorView params, ConstTensorView grads, const NormResult* norm = nullptr);

  const OptimizerProblem& problem() const { return problem_; }
  const std::string& backend() const { return backend_; }
  int64_t updates() const { return updates_; }
  void set_updates(int64_t n) { updates_ = n; }  // when resuming
  TensorView moment(int i) const;                // i < problem().moments(); f32, flat

 private:
  OptimizerProblem problem_;
  std::vector<ParameterSegment> segments_;
  int64_t elements_;
  const Optimizer* op_;
  std::string backend_;
  Buffer moments_[2], layout_;
  int64_t updates_ = 0;
};

}  // namespace gabor
