// Training steps on the cuda backend beside the reference's: executor and optimizer alone, without files, loader and
// trainer (training_test.cpp has those), so that the program runs where no other library is installed (tools/dev/bundle).
#include <iostream>

#include "backends/cuda/gpu.h"
#include "backends/cuda/tiny_net.h"
#include "backends/reference/backend.h"
#include "model/executor.h"
#include "model/plain_pooling.h"
#include "model/plan.h"
#include "optim/optimizer_state.h"
#include "train/sets.h"

namespace gabor {
namespace {

constexpr int64_t kBatch = 8;

PlanOptions options() {
  PlanOptions o;
  o.batch = kBatch;
  o.input = {12, 12, 1};
  o.classes = 2;
  o.normalize = {{1 / 127.5f, 1, 1, 1}, {-1, 0, 0, 0}};
  return o;
}

struct Outcome {
  std::vector<double> curve;  // mean loss of each step
  std::vector<float> weights;
};

// Four times through 48 pictures, in batches of 8.
Outcome train(const std::shared_ptr<const Backend>& backend, float lr, const char* net = testing::kTinyNet) {
  const Library library({backend});
  const Plan plan = compile(parse_model(net, "net"), library, options());
  Parameters parameters(library.device(), plan.parameters, plan.parameter_elements, true);
  parameters.initialize(3);
  OptimizerState optimizer(library, {}, parameters.segments(), parameters.elements());
  Executor executor(plan, library.device(), parameters, 3);
  PictureSet set = testing::bars(48);
  const int64_t steps = 48 / kBatch;
  Outcome outcome;
  for (int64_t step = 0; step < 4 * steps; step++) {
    const int64_t first = step % steps * kBatch;
    executor.forward({set.pixels.data() + first * 12 * 12, {kBatch, 12, 12, 1}, DType::u8},
                     {set.labels.data() + first, {kBatch}, DType::i32}, 1.0f / kBatch,
                     {.step = uint64_t(step), .update = optimizer.advance(lr)});
    executor.backward();
    optimizer.update(executor.context(), parameters.values(), parameters.grads());
    outcome.curve.push_back(double(executor.loss_sum()) / kBatch);
  }
  outcome.weights.resize(size_t(parameters.elements()));
  library.device().copy_from(outcome.weights.data(), parameters.values().data, parameters.values().bytes());
  return outcome;
}

class CudaSteps : public testing::GpuTest {};

// As CudaTraining.HasTheLossCurveOfTheReference: roundings differ, training magnifies them, and a second run of the
// reference whose learning rate is off by 2^-20 shows how much.
TEST_F(CudaSteps, HaveTheLossCurveOfTheReference) {
  constexpr float kRate = 0x1p-7f;
  const auto reference = make_reference_backend();
  const Outcome want = train(reference, kRate), nudged = train(reference, kRate * (1 + 0x1p-20f));
  const Outcome got = train(backend, kRate);
  const double natural = testing::distance(nudged.curve, want.curve);
  const double off = testing::distance(got.curve, want.curve);
  std::cout << "loss " << want.curve.front() << " -> " << want.curve.back() << " in " << want.curve.size()
            << " steps; cuda off by " << off << ", reference nudged by 2^-20 off by " << natural << "\n";
  EXPECT_GT(natural, 0);
  EXPECT_LT(off, 16 * natural);
  EXPECT_LT(want.curve.back(), 0.8 * want.curve.front());
}

TEST_F(CudaSteps, HaveTheSameBitsTwice) {
  const Outcome one = train(backend, 0x1p-7f), two = train(backend, 0x1p-7f);
  EXPECT_EQ(one.curve, two.curve);
  EXPECT_EQ(one.weights, two.weights);
}

TEST_F(CudaSteps, HaveTheSameBitsWherePoolingLeavesReluToOthers) {
  const auto plain = std::make_shared<testing::WithPlainPooling>(backend);
  const Outcome one = train(backend, 0x1p-7f, testing::kPooledNet),
                two = train(plain, 0x1p-7f, testing::kPooledNet);
  EXPECT_EQ(one.curve, two.curve);
  EXPECT_EQ(one.weights, two.weights);
  EXPECT_LT(one.curve.back(), one.curve.front());
}

}  // namespace
}  // namespace gabor
