#include "kernels/gemm/dense_case.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/problem_count.h"
#include "kernels/simt/device_array.h"
#include "ops/budget.h"

namespace gabor::gemm {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr const char* kPasses[] = {"fprop", "dgrad", "wgrad"};
constexpr const char* kRungs[] = {"naive", "ffma_64", "ffma_128", "tensor_64", "tensor_128", "skinny"};
constexpr float kCanary = 17;  // beside D; exact in every storage type

template <class Element>
std::vector<float> rounded(std::vector<float> values) {
  for (float& v : values) v = simt::to_float(simt::from_float<Element>(v));
  return values;
}

// In device memory, `offset` elements from its start, canaries on both sides.
template <class Element>
std::vector<Element> framed(const std::vector<float>& values, int offset) {
  std::vector<Element> all(offset + values.size() + 1, simt::from_float<Element>(kCanary));
  for (size_t i = 0; i < values.size(); ++i) all[offset + i] = simt::from_float<Element>(values[i]);
  return all;
}

struct Inputs {
  std::vector<float> x, w, dy, b, old;  // old: what D held before
};

std::vector<float> values(std::mt19937_64& random, int64_t count, Data data) {
  std::vector<float> all(count);
  for (float& v : all)
    v = data == Data::integer ? float(random() % 3) - 1
                              : float(int64_t(random() >> 40) - (1 << 23)) * 0x1p-23f;
  return all;
}

template <class Element>
Inputs inputs_of(const Case& c) {
  std::mt19937_64 random(c.seed);
  const DenseProblem& p = c.problem;
  Inputs in{rounded<Element>(values(random, p.N * p.C, c.data)),
            rounded<Element>(values(random, p.K * p.C, c.data)),
            rounded<Element>(values(random, p.N * p.K, c.data)),
            values(random, p.K, c.data),
            {}};
  const int64_t outputs = c.pass == Pass::fprop ? p.N * p.K : c.pass == Pass::dgrad ? p.N * p.C : p.K * p.C;
  in.old =
      c.accumulate ? rounded<Element>(values(random, outputs, c.data)) : std::vector<float>(outputs, kNaN);
  for (size_t i = 0; i < c.y.size(); ++i) in.dy[i] *= c.y[i] <= 0 ? 0.0f : 1.0f;
  if (c.nan_at >= 0) (c.pass == Pass::fprop ? in.x : in.dy)[c.nan_at] = kNaN;
  return in;
}

bool rounds_f32(const Case& c) {
  return c.storage == Storage::f32 && (c.plan.rung == Rung::tensor_64 || c.plan.rung == Rung::tensor_128);
}

// The formula, and the budget: one rounding a product and a sum, those of bias, old value and splits besides, that of
// the result to its storage type, and for f32 on tensor cores those of both factors.
template <class Result>
void reference(const Case& c, const Inputs& in, Outcome& o) {
  const DenseProblem& p = c.problem;
  const bool fprop = c.pass == Pass::fprop, dgrad = c.pass == Pass::dgrad;
  const int64_t M = c.pass == Pass::wgrad ? p.K : p.N, N = fprop ? p.K : p.C;
  const int64_t depth = fprop ? p.C : dgrad ? p.K : p.N;
  const double factor_u = rounds_f32(c) ? 0x1p-11 : 0;
  const double storage_u = std::is_same_v<Result, simt::half>       ? 0x1p-11
                           : std::is_same_v<Result, simt::bfloat16> ? 0x1p-8
                                                                    : 0;
  for (int64_t m = 0; m < M; ++m)
    for (int64_t n = 0; n < N; ++n) {
      double sum = 0, products = 0;
      for (int64_t k = 0; k < depth; ++k) {
        const double product = fprop   ? double(in.x[m * p.C + k]) * in.w[n * p.C + k]
                               : dgrad ? double(in.dy[m * p.K + k]) * in.w[k * p.C + n]
                                       : double(in.dy[k * p.K + m]) * in.x[k * p.C + n];
        sum += product, products += std::abs(product);
      }
      double magnitude = products;
      if (fprop && c.bias) sum += in.b[n], magnitude += std::abs(in.b[n]);
      if (fprop && p.activation.kind == ActivationKind::relu) sum = sum < 0 ? 0 : sum;
      if (c.accumulate) sum += in.old[m * N + n], magnitude += std::abs(in.old[m * N + n]);
      double budget = gabor::sum_budget(double(depth + c.plan.splits), magnitude);
      budget += (2 * factor_u + factor_u * factor_u) * products;
      budget +=
          storage_u * (std::abs(sum) + budget) + (storage_u > 0 ? 0x1p-25 : 0);  // 2^-25: half's denormals
      o.want.push_back(sum);
      o.budget.push_back(c.data == Data::integer ? 0 : budget);
    }
  for (int64_t k = 0; k < p.K && c.pass == Pass::wgrad && c.bias; ++k) {
    double sum = c.accumulate ? double(in.b[k]) : 0, magnitude = std::abs(sum);
    for (int64_t n = 0; n < p.N; ++n)
      sum += in.dy[n * p.K + k], magnitude += std::abs(double(in.dy[n * p.K + k]));
    o.want.push_back(sum);
    o.budget.push_back(c.data == Data::integer ? 0
                                               : gabor::sum_budget(double(p.N + c.plan.splits), magnitude));
  }
}

template <class Element, class Result>
Outcome run_as(const Case& c) {
  const Inputs in = inputs_of<Element>(c);
  const DenseProblem& p = c.problem;
  Outcome o;
  reference<Result>(c, in, o);
  const size_t workspace_floats = workspace_bytes(p, c.pass, c.plan) / sizeof(float);
  simt::DeviceArray<float> workspace(std::max<size_t>(1, workspace_floats), "workspace"), b(in.b, "b");
  simt::DeviceArray<float> db(c.accumulate ? in.b : std::vector<float>(in.b.size(), kNaN), "db");
  simt::DeviceArray<Element> x(framed<Element>(in.x, c.offset), "x"), w(framed<Element>(in.w, c.offset), "w");
  simt::DeviceArray<Element> dy(framed<Element>(in.dy, c.offset), "dy");
  simt::DeviceArray<Result> d(framed<Result>(in.old, c.offset), "d");
  const Element *x_ = x.data() + c.offset, *w_ = w.data() + c.offset, *dy_ = dy.data() + c.offset;
  Result* d_ = d.data() + c.offset;
  simt::DeviceArray<unsigned> counters(std::vector<unsigned>(kernels::kJoinCounters), "counters");
  const JoinMemory memory{workspace.data(), counters.data()};
  if (c.pass == Pass::fprop) {
    fprop(c.plan, p, c.storage, x_, w_, c.bias ? b.data() : nullptr, d_, memory, nullptr);
  } else if (c.pass == Pass::dgrad) {
    dgrad(c.plan, p, c.storage, dy_, w_, d_, c.accumulate, memory, nullptr);
  } else if constexpr (std::is_same_v<Result, float>) {
    wgrad(c.plan, p, c.storage, x_, dy_, d_, c.bias ? db.data() : nullptr, c.accumulate, memory, nullptr);
  }
  const size_t outputs = in.old.size();
  const std::vector<Result> all = d.values();
  for (size_t i = 0; i < all.size(); ++i) {
    const bool inside = i >= size_t(c.offset) && i < c.offset + outputs;
    if (inside) o.got.push_back(simt::to_float(all[i]));
    if (!inside && simt::to_float(all[i]) != kCanary) throw simt::Error("the kernel wrote beside D");
  }
  if (c.pass == Pass::wgrad && c.bias)
    for (const float v : db.values()) o.got.push_back(v);
  if (counters.values() != std::vector<unsigned>(kernels::kJoinCounters))
    throw simt::Error("counters are left that are not 0");
  return o;
}

template <class Element>
Outcome run_stored(const Case& c) {
  return c.pass == Pass::wgrad ? run_as<Element, float>(c) : run_as<Element, Element>(c);
}

template <class F>
auto with_storage(Storage storage, F f) {
  return storage == Storage::f32   ? f(float{})
         : storage == Storage::f16 ? f(simt::half{})
                                   : f(simt::bfloat16{});
}

// dx, dw and db of one call; the inputs of both cases are the same.
template <class Element>
std::vector<float> run_both(const Case& dx_case, const Case& dw_case, const std::vector<float>& y) {
  const DenseProblem& p = dx_case.problem;
  const Inputs in = inputs_of<Element>(dx_case), of_dw = inputs_of<Element>(dw_case);
  simt::DeviceArray<Element> x(framed<Element>(in.x, dx_case.offset), "x"),
      w(framed<Element>(in.w, dx_case.offset), "w"), dy(framed<Element>(in.dy, dx_case.offset), "dy");
  simt::DeviceArray<Element> dx(framed<Element>(in.old, dx_case.offset), "dx");
  simt::DeviceArray<Element> y_values(framed<Element>(y, dx_case.offset), "y");
  simt::DeviceArray<float> dw(framed<float>(of_dw.old, dx_case.offset), "dw");
  simt::DeviceArray<float> db(dw_case.accumulate ? of_dw.b : std::vector<float>(of_dw.b.size(), kNaN), "db");
  const size_t bytes = backward_workspace_bytes(p, dx_case.plan, dw_case.plan);
  simt::DeviceArray<float> workspace(std::max<size_t>(1, bytes / sizeof(float)), "workspace");
  simt::DeviceArray<unsigned> counters(std::vector<unsigned>(kernels::kJoinCounters), "counters");
  const int offset = dx_case.offset;
  backward({.dgrad = dx_case.plan,
            .wgrad = dw_case.plan,
            .x = x.data() + offset,
            .w = w.data() + offset,
            .dy = dy.data() + offset,
            .y = y.empty() ? nullptr : y_values.data() + offset,
            .dx = dx.data() + offset,
            .dw = dw.data() + offset,
            .db = db.data(),
            .accumulate_dx = dx_case.accumulate,
            .accumulate_dw = dw_case.accumulate},
           p, dx_case.storage, {workspace.data(), counters.data()}, nullptr);
  std::vector<float> got;
  const std::vector<Element> all_dx = dx.values();
  const std::vector<float> all_dw = dw.values(), all_db = db.values();
  for (int64_t i = 0; i < p.N * p.C; ++i) got.push_back(simt::to_float(all_dx[size_t(offset + i)]));
  for (int64_t i = 0; i < p.K * p.C; ++i) got.push_back(all_dw[size_t(offset + i)]);
  got.insert(got.end(), all_db.begin(), all_db.end());
  return got;
}

int edge(std::mt19937_64& random, int largest) {
  constexpr int kEdges[] = {1,  2,  3,  4,  5,  7,  8,  9,  12, 15, 16,  17,  20,  24,
                            31, 32, 33, 40, 47, 48, 63, 64, 65, 72, 127, 128, 129, 130};
  const auto end = std::upper_bound(std::begin(kEdges), std::end(kEdges), largest);
  return kEdges[random() % (end - std::begin(kEdges))];
}

}  // namespace

std::string to_string(const Case& c) {
  constexpr const char* kStorages[] = {"f32", "f16", "bf16"};
  return std::string(kRungs[int(c.plan.rung)]) + " " + kPasses[int(c.pass)] + " " +
         kStorages[int(c.storage)] + " N=" + std::to_string(c.problem.N) +
         " C=" + std::to_string(c.problem.C) + " K=" + std::to_string(c.problem.K) +
         " splits=" + std::to_string(c.plan.splits) + (c.data == Data::integer ? " integer" : "") +
         (c.bias ? " bias" : "") + (c.problem.activation.kind == ActivationKind::relu ? " relu" : "") +
         (c.accumulate ? " accumulate" : "") + " offset=" + std::to_string(c.offset) +
         " seed=" + std::to_string(c.seed);
}

Outcome run(const Case& c) {
  return with_storage(c.storage, [&]<class Element>(Element) { return run_stored<Element>(c); });
}

std::string backward_mismatch(const Case& c, const Plan& dgrad, const Plan& wgrad, bool through_relu) {
  return with_storage(c.storage, [&]<class Element>(Element) -> std::string {
    Case dx = c, dw = c;
    dx.pass = Pass::dgrad, dx.plan = dgrad;
    dw.pass = Pass::wgrad, dw.plan = wgrad, dw.bias = true;
    std::vector<float> y;
    if (through_relu) {
      std::mt19937_64 random(c.seed + 1);
      y = rounded<Element>(values(random, c.problem.N * c.problem.K, c.data));
      for (size_t i = 0; i < y.size(); ++i) y[i] = i % 7 == 3 ? 0.0f : y[i];
      dx.y = dw.y = y;
    }
    std::vector<float> want = run(dx).got, got = run_both<Element>(dx, dw, y);
    const std::vector<float> rest = run(dw).got;
    want.insert(want.end(), rest.begin(), rest.end());
    return got == want ? "" : "other bits than those of two launches";
  });
}

std::string mismatch(const Outcome& o) {
  if (o.got.size() != o.want.size()) return "another number of values";
  size_t worst = 0;
  double excess = 0;  // beyond the budget
  for (size_t i = 0; i < o.want.size(); ++i) {
    const bool nan_wanted = std::isnan(o.want[i]);
    if (nan_wanted && std::isnan(o.got[i])) continue;
    const double error = std::abs(double(o.got[i]) - o.want[i]) - o.budget[i];
    if (error <= 0 || error <= excess) continue;  // false for NaN
    worst = i;
    excess = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  if (excess == 0) return "";
  return "value " + std::to_string(worst) + " is " + std::to_string(o.got[worst]) + ", expected " +
         std::to_string(o.want[worst]) + " to within " + std::to_string(o.budget[worst]);
}

std::string first_failure(const Sweep& sweep) {
  uint64_t run_seed = 1000 * uint64_t(sweep.rung) + 100 * uint64_t(sweep.pass) + 10 * uint64_t(sweep.storage);
  run_seed = 64 * run_seed + kernel_tests::seed_of_this_run();
  std::mt19937_64 random(run_seed);
  for (int i = 0; i < sweep.cases; ++i) {
    Case c;
    c.pass = sweep.pass, c.storage = sweep.storage, c.plan.rung = sweep.rung, c.seed = random();
    c.problem.N = edge(random, sweep.largest);
    c.problem.C = edge(random, sweep.largest);
    c.problem.K = edge(random, std::min(sweep.largest, sweep.largest_few));
    c.data = i % 3 == 0 ? Data::integer : Data::real;
    c.offset = random() % 4 == 0 ? 1 : 0;
    const bool splits =
        sweep.rung != Rung::naive && !(sweep.rung == Rung::skinny && sweep.pass == Pass::dgrad);
    if (splits && random() % 2 == 0) c.plan.splits = 2 + int(random() % 4);
    if (sweep.pass == Pass::fprop) {
      c.bias = random() % 2 == 0;
      if (random() % 2 == 0) c.problem.activation.kind = ActivationKind::relu;
    } else {
      c.accumulate = random() % 2 == 0;
      c.bias = sweep.pass == Pass::wgrad && random() % 2 == 0;
    }
    std::string wrong;
    try {
      wrong = mismatch(run(c));
    } catch (const simt::Error& e) {
      wrong = e.what();
    }
    if (!wrong.empty()) return to_string(c) + ": " + wrong;
  }
  return "";
}

void check_random_cases(Rung rung, const std::vector<Storage>& storages, int cases, int largest,
                        int largest_few) {
  for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
    for (const Storage storage : storages)
      EXPECT_EQ(first_failure({rung, pass, storage, cases, largest, largest_few}), "");
    kernel_tests::report_problems(std::string("gemm ") + kRungs[int(rung)] + " " + kPasses[int(pass)],
                                  cases * int(storages.size()));
  }
}

}  // namespace gabor::gemm
