// The workloads of kernel_bench.
#pragma once
#include <vector>

#include "duel/problem.h"
#include "gpu/gpu.h"
#include "gpu/workload.h"

namespace gabor::bench {

// Every pass of each convolution, by every rung that takes it. Baseline: direct.
std::vector<WorkloadMaker> conv2d_workloads(Gpu& gpu, const std::vector<DuelProblem>& problems);

// The other layers of the article's net and of LeNet-5, at their batch of 128. Baseline: naive; the optimizer has one
// kernel only.
std::vector<WorkloadMaker> dense_workloads(Gpu& gpu);
std::vector<WorkloadMaker> pool2d_workloads(Gpu& gpu);
std::vector<WorkloadMaker> softmax_xent_workloads(Gpu& gpu);
std::vector<WorkloadMaker> first_block_workloads(Gpu& gpu);
std::vector<WorkloadMaker> batchnorm_workloads(Gpu& gpu);
std::vector<WorkloadMaker> optimizer_workloads(Gpu& gpu);

}  // namespace gabor::bench
