#include <array>

#include "core/text.h"
#include "gpu/workloads.h"
#include "kernels/batchnorm/batchnorm.h"
#include "kernels/first_block/first_block.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/pool2d/pool2d.h"
#include "kernels/softmax_xent/softmax_xent.h"

namespace gabor::bench {
namespace {

using namespace kernels;

FirstBlockProblem first_block(const char* convolution) {
  FirstBlockProblem p;
  p.conv = parse_conv2d(convolution);
  p.pool.N = p.conv.N, p.pool.H = p.conv.P(), p.pool.W = p.conv.Q(), p.pool.C = p.conv.K;
  p.normalize = {{1 / 127.5f, 1 / 127.5f, 1 / 127.5f, 1}, {-1, -1, -1, 0}};
  return p;
}

Workload first_block_workload(Gpu& gpu, const std::string& tag, const FirstBlockProblem& p, bool backward) {
  const Memory memory(gpu);
  const int64_t x_count = p.conv.x_shape().count(), y_count = p.pool.y_shape().count(),
                w_count = p.conv.w_shape().count();
  const size_t packed = first_block_argmax_bytes(p) * size_t(p.conv.N);
  // Random floats are random bytes as well: exponents repeat, mantissas do not.
  const void* const x = memory.random((x_count + 3) / 4);
  float *const w = memory.floats(w_count), *const b = memory.floats(p.conv.K),
               *const y = memory.floats(y_count), *const dw = memory.floats(w_count),
               *const db = memory.floats(p.conv.K);
  auto* const argmax = static_cast<uint8_t*>(memory.zeros(packed));
  const int slices = first_block_slices(p, gpu.device().multiprocessors());
  const kernels::JoinMemory scratch = memory.join(first_block_workspace_bytes(p, slices));
  void* const stream = gpu.stream();
  // A state of real winners; then y serves as dy.
  first_block_forward(p, Storage::f32, x, w, b, y, argmax, stream);
  gpu.fill(y, Storage::f32, y_count, 1);

  Workload workload{"first_block", backward ? "backward" : "forward", tag, to_string(p), {}};
  const double bytes = double(x_count) + double(packed) + 4.0 * double(y_count + w_count + p.conv.K);
  // The backward needs one position of each pooling window only.
  const double flops = double(p.conv.flops()) / (backward ? 4 : 1);
  const auto add = [&](const char* name, FirstBlockRung rung) {
    workload.candidates.push_back({name, Math::f32, flops, bytes, [=] {
                                     (void)memory;
                                     if (backward)
                                       first_block_backward(p, Storage::f32, x, argmax, y, dw, db, false,
                                                            slices, scratch, stream, rung);
                                     else
                                       first_block_forward(p, Storage::f32, x, w, b, y, argmax, stream, rung);
                                   }});
  };
  add("naive", FirstBlockRung::naive);
  if (backward ? first_block_tiled_backward_takes(p) : first_block_tiled_forward_takes(p))
    add("tiled", FirstBlockRung::tiled);
  return workload;
}

Workload pool2d_workload(Gpu& gpu, const std::string& tag, const Pool2dProblem& p, bool backward) {
  const Memory memory(gpu);
  const int64_t x_count = p.x_shape().count(), y_count = p.y_shape().count();
  float *const x = memory.floats(x_count), *const y = memory.floats(y_count),
               *const dx = memory.floats(x_count), *const dy = memory.floats(y_count);
  const bool max = p.kind == PoolKind::max;
  const size_t argmax_bytes = max ? size_t(y_count) * size_of(p.argmax_dtype()) : 0;
  void* const argmax = memory.zeros(argmax_bytes);
  void* const stream = gpu.stream();
  pool2d_forward(p, Storage::f32, x, y, argmax, stream);  // what the backward reads

  Workload workload{"pool2d", backward ? "backward" : "forward", tag, to_string(p), {}};
  const double bytes = 4.0 * double(x_count + y_count) + double(argmax_bytes);
  const double flops = double(y_count) * double(p.R * p.S);
  const auto add = [&](const char* name, PoolRung rung) {
    workload.candidates.push_back({name, Math::f32, flops, bytes, [=] {
                                     (void)memory;
                                     if (backward)
                                       pool2d_backward(p, Storage::f32, x, y, argmax, dy, dx, false, stream,
                                                       rung);
                                     else
                                       pool2d_forward(p, Storage::f32, x, y, argmax, stream, rung);
                                   }});
  };
  add("naive", PoolRung::naive);
  if (pool2d_vector_takes(p)) add("vector", PoolRung::vector);
  if (pool2d_global_takes(p)) add("global", PoolRung::global);
  return workload;
}

Workload softmax_xent_workload(Gpu& gpu, const std::string& tag, const SoftmaxXentProblem& p) {
  const Memory memory(gpu);
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < p.N; ++n) labels.push_back(int32_t(n % p.K));
  auto* const on_device = static_cast<int32_t*>(memory.zeros(labels.size() * sizeof labels[0]));
  gpu.device().copy_to(on_device, labels.data(), labels.size() * sizeof labels[0]);
  const SoftmaxXentTensors t{memory.floats(p.N * p.K),
                             on_device,
                             memory.floats(p.N * p.K),
                             memory.floats(1),
                             static_cast<int32_t*>(memory.zeros(2 * sizeof(int32_t))),
                             memory.join(softmax_xent_workspace_bytes(p))};
  void* const stream = gpu.stream();
  Workload workload{"softmax_xent", "both", tag, fmt::format("N={} K={}", p.N, p.K), {}};
  const double logits = double(p.N * p.K);
  for (const auto& [name, rung] :
       {std::pair{"naive", SoftmaxXentRung::naive}, std::pair{"warp", SoftmaxXentRung::warp}})
    workload.candidates.push_back(
        {name, Math::f32, 6 * logits, 8 * logits + 4 * double(p.N), [=, rung = rung] {
           (void)memory;
           softmax_xent(p, Storage::f32, t, stream, rung);
         }});
  return workload;
}

Workload batchnorm_workload(Gpu& gpu, const std::string& tag, int64_t rows, int64_t C, bool backward) {
  const Memory memory(gpu);
  const BatchnormProblem p{rows, C, 1e-5f};
  const BatchnormTraining forward{.x = memory.floats(rows * C),
                                  .gamma = memory.floats(C),
                                  .beta = memory.floats(C),
                                  .y = memory.floats(rows * C),
                                  .mean = memory.floats(C),
                                  .rstd = memory.floats(C),
                                  .running_mean = memory.floats(C),
                                  .running_var = memory.floats(C)};
  const BatchnormBackward back{.x = forward.x,
                               .dy = forward.y,
                               .gamma = forward.gamma,
                               .mean = forward.mean,
                               .rstd = forward.rstd,
                               .dx = memory.floats(rows * C),
                               .dgamma = memory.floats(C),
                               .dbeta = memory.floats(C)};
  const int64_t slices = batchnorm_slices(rows, C, gpu.device().multiprocessors());
  const BatchnormWorkspace workspace{memory.zeros(batchnorm_workspace_bytes(rows, C, slices)), slices};
  void* const stream = gpu.stream();
  batchnorm_forward_training(p, Storage::f32, forward, workspace, stream);  // statistics for the backward

  Workload workload{
      "batchnorm", backward ? "backward" : "forward", tag, fmt::format("rows={} C={}", rows, C), {}};
  const double count = double(rows * C);
  for (const auto& [name, rung] :
       {std::pair{"naive", BatchnormRung::naive}, std::pair{"tiled", BatchnormRung::tiled}})
    // The statistics need all of x before the first result: x is read twice, and in the backward dy as well.
    workload.candidates.push_back(
        {name, Math::f32, 8 * count, 4 * count * (backward ? 5 : 3), [=, rung = rung] {
           (void)memory;
           if (backward)
             batchnorm_backward(p, Storage::f32, back, workspace, stream, rung);
           else
             batchnorm_forward_training(p, Storage::f32, forward, workspace, stream, rung);
         }});
  return workload;
}

// Adam over the whole arena of a net, in one segment.
Workload optimizer_workload(Gpu& gpu, const std::string& tag, int64_t count) {
  const Memory memory(gpu);
  const OptimizerSegment segment{0, count, true};
  const std::array<int32_t, 2> starts{0, int32_t(optimizer_blocks(count))};
  const UpdateValues update{.lr = 1e-3f, .adam_rate = 1e-3f, .adam_epsilon = 1e-7f};
  auto* const values = static_cast<UpdateValues*>(memory.zeros(sizeof update));
  gpu.device().copy_to(values, &update, sizeof update);
  auto* const segments = static_cast<OptimizerSegment*>(memory.zeros(sizeof segment));
  auto* const block_starts = static_cast<int32_t*>(memory.zeros(sizeof starts));
  gpu.device().copy_to(segments, &segment, sizeof segment);
  gpu.device().copy_to(block_starts, starts.data(), sizeof starts);
  const OptimizerTensors t{memory.floats(count), memory.floats(count),
                           static_cast<float*>(memory.zeros(size_t(count) * sizeof(float))),
                           static_cast<float*>(memory.zeros(size_t(count) * sizeof(float)))};
  void* const stream = gpu.stream();
  const int32_t blocks = starts[1];
  // w, g, m, v are read; w, m, v written.
  return {"optimizer",
          "adam",
          tag,
          fmt::format("count={}", count),
          {{"update", Math::f32, 12.0 * double(count), 28.0 * double(count), [=] {
              (void)memory;
              optimizer_update({}, values, segments, block_starts, 1, blocks, t, stream);
            }}}};
}

}  // namespace

std::vector<WorkloadMaker> first_block_workloads(Gpu& gpu) {
  std::vector<WorkloadMaker> makers;
  for (const bool backward : {false, true})
    for (const auto& [tag, convolution] :
         {std::pair{"article", "N=128 H=300 W=300 C=3 K=10 R=5 S=5 act=relu"},
          std::pair{"lenet", "N=128 H=28 W=28 C=1 K=6 R=5 S=5 pad=2,2 act=relu"}})
      makers.push_back([&gpu, tag = tag, p = first_block(convolution), backward] {
        return first_block_workload(gpu, tag, p, backward);
      });
  return makers;
}

std::vector<WorkloadMaker> pool2d_workloads(Gpu& gpu) {
  std::vector<WorkloadMaker> makers;
  for (const bool backward : {false, true})
    for (const auto& [tag, problem] :
         {std::pair{"article", "max N=128 H=296 W=296 C=10 R=2 S=2 stride=2,2 pad=0,0"},
          std::pair{"lenet", "max N=128 H=28 W=28 C=6 R=2 S=2 stride=2,2 pad=0,0"},
          std::pair{"lenet", "average N=128 H=10 W=10 C=16 R=2 S=2 stride=2,2 pad=0,0"},
          std::pair{"resnet", "average N=128 H=7 W=7 C=512 R=7 S=7 stride=7,7 pad=0,0"}})
      makers.push_back([&gpu, tag = tag, p = parse_pool2d(problem), backward] {
        return pool2d_workload(gpu, tag, p, backward);
      });
  return makers;
}

std::vector<WorkloadMaker> softmax_xent_workloads(Gpu& gpu) {
  std::vector<WorkloadMaker> makers;
  for (const auto& [tag, classes] :
       {std::pair{"article", 2}, std::pair{"lenet", 10}, std::pair{"resnet", 1000}})
    makers.push_back([&gpu, tag = tag, classes = classes] {
      return softmax_xent_workload(gpu, tag, {.N = 128, .K = classes, .scale = 1 / 128.0f});
    });
  return makers;
}

std::vector<WorkloadMaker> batchnorm_workloads(Gpu& gpu) {
  struct Map {
    const char* tag;
    int64_t rows, C;
  };
  std::vector<WorkloadMaker> makers;
  for (const bool backward : {false, true})
    for (const Map& m : {Map{"article", 128 * 148 * 148, 10}, Map{"lenet", 128 * 14 * 14, 16},
                         Map{"resnet", 32 * 56 * 56, 64}})
      makers.push_back([&gpu, m, backward] { return batchnorm_workload(gpu, m.tag, m.rows, m.C, backward); });
  return makers;
}

std::vector<WorkloadMaker> optimizer_workloads(Gpu& gpu) {
  std::vector<WorkloadMaker> makers;
  for (const auto& [tag, count] :
       {std::pair{"article", 438842}, std::pair{"lenet", 61706}, std::pair{"resnet18", 11689512}})
    makers.push_back([&gpu, tag = tag, count = count] { return optimizer_workload(gpu, tag, count); });
  return makers;
}

}  // namespace gabor::bench
