// What kernel_bench times: one operation on one problem, and the kernels that compute it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gabor::bench {

// In which arithmetic the products are made: what a kernel may be compared with, and which roof it has.
enum class Math { f32, tf32, f16 };
constexpr const char* name_of(Math math) {
  return math == Math::f32 ? "f32" : math == Math::tf32 ? "tf32" : "f16";
}

struct Candidate {
  std::string rung;
  Math math = Math::f32;
  double flops = 0;              // of the problem, not of the padded tiles
  double bytes = 0;              // each tensor once: what has to move at least
  std::function<void()> launch;  // enqueues on the bench's stream
};

// The first candidate is the baseline that the others are compared with. The launches own their buffers.
struct Workload {
  std::string op, pass, tag, problem;
  std::vector<Candidate> candidates;
};

// Made one after the other, because the buffers of all together would not fit on a card.
using WorkloadMaker = std::function<Workload()>;

}  // namespace gabor::bench
