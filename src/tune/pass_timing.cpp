#include "tune/pass_timing.h"

#include <algorithm>
#include <map>

#include "core/stored_floats.h"
#include "duel/case.h"
#include "duel/measure.h"
#include "duel/statistics.h"
#include "ops/budget.h"

namespace gabor {
namespace {

constexpr int kLeast = 6, kMost = 40;  // repetitions; 6 are the fewest that a 95 % interval can be had of
constexpr int kRuns = kLeast + 1;      // and one to warm up

std::string kernel_of(const Conv2d& op, const Conv2dProblem& p, Pass pass) { return op.kernel(p, pass); }
std::string kernel_of(const Dense&, const DenseProblem&, Pass) { return ""; }

template <class Problem>
struct OpOf;
template <>
struct OpOf<Conv2dProblem> {
  using type = Conv2d;
};
template <>
struct OpOf<DenseProblem> {
  using type = Dense;
};
template <class Problem>
using Weighted = WeightedOp<typename OpOf<Problem>::type>;

template <class Problem>
const auto* op_of(const Backend& backend) {
  return backend.ops().*Weighted<Problem>::kMember;
}

template <class Problem>
Problem with_samples(Problem p, int64_t N) {
  p.N = N;
  return p;
}

// The tensors of one pass on one device.
template <class Problem>
class Bench {
 public:
  Bench(const Problem& p, Pass pass, const std::vector<const Backend*>& candidates)
      : p_(p), pass_(pass), device_(candidates[0]->device()) {
    size_t bytes = 0;
    for (const Backend* c : candidates) {
      bytes = std::max(bytes, op_of<Problem>(*c)->workspace_bytes(p, pass));
      if (const DType storage = c->traits().storage; !tensors_.contains(storage)) make_tensors(storage);
    }
    workspace_ = Buffer(device_, bytes);
  }
  void run(const Backend& candidate) {
    Context context{device_, device_.stream(), workspace_.data(), workspace_.bytes()};
    const Tensors& t = tensors_.at(candidate.traits().storage);
    run_pass(*op_of<Problem>(candidate), context, p_, pass_, t.in, t.out);
  }

 private:
  struct Tensors {
    std::vector<ConstTensorView> in;
    std::vector<TensorView> out;
  };
  void make_tensors(DType storage) {
    const PassShapes shapes = pass_shapes(p_, pass_, storage);
    Tensors& t = tensors_[storage];
    for (size_t i = 0; i < shapes.in.size(); i++) {
      t.in.push_back(tensor(shapes.in[i], shapes.in_types[i]));
      fill(t.in.back());
    }
    for (size_t i = 0; i < shapes.out.size(); i++)
      t.out.push_back(tensor(shapes.out[i], shapes.out_types[i]));
  }
  TensorView tensor(const Shape& shape, DType type) {
    buffers_.emplace_back(device_, size_t(shape.count()) * size_of(type));
    return {buffers_.back().data(), shape, type};
  }
  // The same random numbers over and over: what they are does not matter, only that they are no zeros.
  void fill(const ConstTensorView& t) {
    static constexpr int64_t kBlock = 1 << 16;
    const int64_t count = t.count();
    const HostTensor block = random_tensor({std::min(kBlock, count)}, 1, uint32_t(buffers_.size()));
    std::vector<std::byte> stored(block.floats().size() * size_of(t.dtype));
    store_floats(block.floats(), t.dtype, stored.data());
    auto* to = static_cast<std::byte*>(buffers_.back().data());
    for (size_t i = 0; i < t.bytes(); i += stored.size())
      device_.copy_to(to + i, stored.data(), std::min(stored.size(), t.bytes() - i));
  }

  Problem p_;
  Pass pass_;
  Device& device_;
  std::vector<Buffer> buffers_;
  std::map<DType, Tensors> tensors_;  // by the storage of those that read them
  Buffer workspace_;
};

// Seconds of one run with one sample, after another that sets everything up: the least of a few, for a busy machine only
// adds; a single one if it takes longer than `enough`.
template <class Problem>
double seconds_of_one(const Problem& p, Pass pass, const Backend& backend, Stopwatch& stopwatch,
                      double enough) {
  constexpr int kSamples = 3;
  Bench<Problem> bench(with_samples(p, 1), pass, {&backend});
  const auto sample = [&] { return stopwatch.seconds([&] { bench.run(backend); }); };
  bench.run(backend);
  double least = sample();
  for (int i = 1; i < kSamples && least <= enough; i++) least = std::min(least, sample());
  return least;
}

// Whether each candidate runs both by the same kernel: else times of the one say nothing of the other.
template <class Problem>
bool alike(const Problem& p, const Problem& q, Pass pass, const std::vector<const Backend*>& candidates) {
  return std::all_of(candidates.begin(), candidates.end(), [&](const Backend* c) {
    const auto& op = *op_of<Problem>(*c);
    return op.supports(q, pass) && kernel_of(op, p, pass) == kernel_of(op, q, pass);
  });
}

const TunedCandidate& fastest(const std::vector<TunedCandidate>& candidates) {
  const TunedCandidate* best = &candidates[0];
  for (const TunedCandidate& c : candidates)
    if (c.high < candidates[0].low && c.median < best->median) best = &c;
  return *best;
}

template <class Problem>
void time_problem(const Problem& p, Pass pass, const std::vector<const Backend*>& candidates, double seconds,
                  TuningRecord& record) {
  record.winner = record.candidates[0].backend;
  if (seconds <= 0) return;
  const auto stopwatch = candidates[0]->device().stopwatch();
  // Of one run. Half of the time is left for more repetitions, or for a machine that turns out to be busy.
  const double each = seconds / 2 / double(candidates.size() * kRuns);
  const double one = seconds_of_one(p, pass, *candidates[0], *stopwatch, each);
  if (one > each) return;
  int64_t N = p.N;
  while (N > 1 && one * double(N) > each) N = (N + 1) / 2;
  while (N < p.N && !alike(p, with_samples(p, N), pass, candidates)) N = std::min(2 * N, p.N);

  Bench<Problem> bench(with_samples(p, N), pass, candidates);
  std::vector<Contestant> contestants;
  for (const Backend* c : candidates) {
    // What is far slower than the first takes no part in the turns: measure() leaves it with the time that one sample
    // makes us expect of the batch.
    const double sample = c == candidates[0] ? one : seconds_of_one(p, pass, *c, *stopwatch, each);
    contestants.push_back({stopwatch.get(), [&bench, c] { bench.run(*c); }, [] {}, sample * double(N)});
  }
  const auto samples = measure(contestants, {.seconds = seconds, .least = kLeast, .most = kMost});
  for (size_t i = 0; i < samples.size(); i++) {
    const MedianInterval interval = median_interval(samples[i]);
    TunedCandidate& c = record.candidates[i];
    c.median = median(samples[i]), c.low = interval.low, c.high = interval.high;
  }
  record.measured_N = N;
  record.winner = fastest(record.candidates).backend;
}

template <class Problem>
std::vector<const Backend*> candidates_of(const Problem& p, Pass pass, const Library& library,
                                          const std::string& first) {
  std::vector<const Backend*> all;
  for (const auto& b : library.backends()) {
    all.push_back(b.get());
    for (const auto& v : library.variants())
      if (v->name().starts_with(std::string(b->name()) + "/")) all.push_back(v.get());
  }
  std::stable_partition(all.begin(), all.end(), [&](const Backend* b) { return b->name() == first; });
  const Traits given = all[0]->traits();
  const auto as_good = [&](const Traits& t) {
    return t.layout == given.layout && t.storage == given.storage &&
           (t.math == given.math || (t.math == "fp32" && operand_rounding(given.math) > 0));
  };
  std::vector<const Backend*> out;
  for (const Backend* b : all) {
    const auto* op = op_of<Problem>(*b);
    if (!op || !op->supports(p, pass) || !as_good(b->traits())) continue;
    const auto family = [](const Backend& x) { return x.name().substr(0, x.name().find('/')); };
    const std::string kernel = kernel_of(*op, p, pass);
    if (kernel.empty() || std::none_of(out.begin(), out.end(), [&](const Backend* o) {
          return family(*o) == family(*b) && o->traits().math == b->traits().math &&
                 kernel_of(*op_of<Problem>(*o), p, pass) == kernel;
        }))
      out.push_back(b);
  }
  return out;
}

template <class Problem>
std::vector<const Backend*> with_exact(const Problem& p, Pass pass, const Library& library,
                                       const std::string& first) {
  std::vector<const Backend*> out{library.named(first)};
  const Library exact = library.in_precision("fp32");
  ChoiceRecord record;
  if (exact.find(
          Weighted<Problem>::kMember, [&](const auto& op) { return op.supports(p, pass); }, record))
    out.push_back(library.named(record.backend));
  return out;
}

}  // namespace

std::vector<const Backend*> candidates_for(const TunedPass& pass, const Library& library,
                                           const std::string& first) {
  if (library.storage() != DType::f32)
    return std::visit([&](const auto& p) { return with_exact(p, pass.pass, library, first); }, pass.problem);
  return std::visit([&](const auto& p) { return candidates_of(p, pass.pass, library, first); }, pass.problem);
}

TuningRecord question_of(const TunedPass& pass, const std::vector<const Backend*>& candidates,
                         const TuningPlace& place) {
  TuningRecord r;
  r.place = place;
  r.pass = name_of(pass.pass);
  r.math = candidates[0]->traits().math, r.layout = candidates[0]->traits().layout;
  std::visit(
      [&](const auto& p) {
        using Problem = std::decay_t<decltype(p)>;
        r.op = Weighted<Problem>::kName, r.problem = to_string(p);
        for (const Backend* c : candidates)
          r.candidates.push_back({std::string(c->name()), kernel_of(*op_of<Problem>(*c), p, pass.pass)});
      },
      pass.problem);
  return r;
}

void time_candidates(const TunedPass& pass, const std::vector<const Backend*>& candidates, double seconds,
                     TuningRecord& record) {
  std::visit([&](const auto& p) { time_problem(p, pass.pass, candidates, seconds, record); }, pass.problem);
}

}  // namespace gabor
