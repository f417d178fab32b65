// The workloads of kernel_bench.
#pragma once
#include <vector>

#include "core/problem/conv2d.h"
#include "gpu/gpu.h"
#include "gpu/workload.h"

namespace gabor::bench {

struct ListedConv2d {
  std::string tag;
  Conv2dProblem problem;
  bool first = false;  // a net's first layer: has no dgrad
};
// The problems of a list: a line is a tag, a problem as parse_conv2d takes it, perhaps the word "first", perhaps "# comment".
// Throws Error{data} for a file that cannot be read, Error{usage} for a problem that is none.
std::vector<ListedConv2d> read_conv2d_list(const std::string& path);

// Every pass of each problem, by every rung that takes it. Baseline: direct.
std::vector<WorkloadMaker> conv2d_workloads(Gpu& gpu, const std::vector<ListedConv2d>& problems);

// The other layers of the article's net and of LeNet-5, at their batch of 128. Baseline: naive; the optimizer has one
// kernel only.
std::vector<WorkloadMaker> dense_workloads(Gpu& gpu);
std::vector<WorkloadMaker> pool2d_workloads(Gpu& gpu);
std::vector<WorkloadMaker> softmax_xent_workloads(Gpu& gpu);
std::vector<WorkloadMaker> first_block_workloads(Gpu& gpu);
std::vector<WorkloadMaker> batchnorm_workloads(Gpu& gpu);
std::vector<WorkloadMaker> optimizer_workloads(Gpu& gpu);

}  // namespace gabor::bench
