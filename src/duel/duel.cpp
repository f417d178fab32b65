#include "duel/duel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <span>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "duel/case.h"
#include "duel/summary.h"
#include "ops/conversion.h"

namespace gabor {
namespace {

using Backends = std::vector<std::shared_ptr<const Backend>>;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

struct Candidate {
  std::shared_ptr<const Backend> backend;
  bool variant = false;  // of a backend that takes part as a whole: where it lacks the op, it is left out
};
using Candidates = std::vector<Candidate>;

// One device, and what measuring on it needs.
struct Arena {
  explicit Arena(Device& d)
      : device(d),
        stopwatch(d.stopwatch()),
        flushed(d, std::clamp(2 * cache_bytes(d), size_t{32} << 20, size_t{512} << 20)) {}

  // Every core writes its share, so that the caches of each are emptied.
  void flush() const {
    if (device.kind() != DeviceKind::host) return device.zero(flushed.data(), flushed.bytes());
    constexpr int64_t kPage = 4096;
    auto* bytes = static_cast<char*>(flushed.data());
    parallel_ranges(int64_t(flushed.bytes()) / kPage, [&](int64_t begin, int64_t end, int) {
      std::memset(bytes + begin * kPage, 1, size_t((end - begin) * kPage));
    });
  }

  Device& device;
  std::unique_ptr<Stopwatch> stopwatch;
  Buffer flushed;
};
using Arenas = std::map<Device*, std::unique_ptr<Arena>>;

// The tensors of a case on one device, and one workspace for all its candidates: they run one after the other.
class Workbench {
 public:
  Workbench(const Case& c, Device& device)
      : case_(c),
        device_(device),
        before_(in_storage(c.before, c.spec.outputs, c.storage)),
        tensors_(device, in_storage(c.inputs, c.spec.inputs, c.storage), before_) {}
  const Case& problem() const { return case_; }
  const DeviceTensors& tensors() const { return tensors_; }
  void reserve(size_t bytes) {
    if (bytes > workspace_.bytes()) workspace_ = {}, workspace_ = Buffer(device_, bytes);
  }
  Context context(size_t bytes) const { return {device_, device_.stream(), workspace_.data(), bytes}; }
  // What is added to, or else NaN of any type, so that what is not written is found.
  void prepare_outputs() {
    if (case_.mode == GradMode::accumulate) return tensors_.set_outputs(before_);
    for (const TensorView& t : tensors_.out) {
      const std::vector<unsigned char> ones(t ? t.bytes() : 0, 0xFF);
      if (t) device_.copy_to(t.data, ones.data(), ones.size());
    }
  }
  Score judge(const std::string& math) const {
    Score score;
    const std::vector<HostTensor> got = tensors_.outputs();
    for (size_t i = 0; i < got.size(); i++) add_to(score, case_.outputs[i], got[i].view(), math);
    return score;
  }

 private:
  const Case& case_;
  Device& device_;
  std::vector<HostTensor> before_;
  DeviceTensors tensors_;
  Buffer workspace_;
};

class Running {
 public:
  Running(Duel& duel, const Candidates& candidates, const Backend& oracle, const DuelOptions& options,
          Arenas& arenas)
      : duel_(duel), candidates_(candidates), oracle_(oracle), options_(options), arenas_(arenas) {}

  void run(size_t problem, Pass pass) {
    const size_t first = duel_.records.size();
    std::vector<const Backend*> backends;          // of the records
    std::map<DType, std::unique_ptr<Case>> cases;  // by Traits::storage: inputs are what it holds
    std::map<std::pair<Device*, DType>, Workbench> benches;
    const auto bench_of = [&](const Backend& backend) -> Workbench& {
      const DType storage = backend.traits().storage;
      auto& c = cases[storage];
      if (!c) c = make_case(duel_.problems[problem], pass, oracle_, options_.seed + problem, storage);
      return benches.try_emplace({&backend.device(), storage}, *c, backend.device()).first->second;
    };
    const auto unjudged = unjudged_case(duel_.problems[problem].problem, pass);
    for (const auto& [backend, variant] : candidates_) {
      if (variant && !unjudged->has_op(backend->ops())) continue;
      backends.push_back(backend.get());
      Workbench& bench = bench_of(*backend);
      duel_.records.push_back(record(*backend, bench.problem(), problem, pass));
      bench.reserve(duel_.records.back().workspace_bytes);
    }
    const std::span records(duel_.records.data() + first, backends.size());
    std::map<std::string, std::string> indistinct;  // by math mode
    for (size_t i = 0; i < records.size(); i++) {
      DuelRecord& r = records[i];
      if (!r.ran()) continue;
      const auto [at, is_new] = indistinct.try_emplace(r.traits.math);
      // Given tensors are judged as they are: they were saved because a result was wrong.
      if (is_new && !duel_.problems[problem].given)
        at->second = indistinct_output(bench_of(*backends[i]).problem(), judged_math(r.traits));
      if (!at->second.empty())
        r.unsupported = fmt::format("cannot be judged: zeros would be right for {}", at->second);
    }
    std::vector<Contestant> contestants;
    std::vector<DuelRecord*> who;                             // the record of each contestant
    std::vector<std::shared_ptr<const Backend>> conversions;  // of each contestant that is one; else null
    for (size_t i = 0; i < records.size(); i++) {
      if (!records[i].ran()) continue;
      Workbench& bench = bench_of(*backends[i]);
      const Case& c = bench.problem();
      try {
        Contestant contestant = judged(c, *backends[i], bench, records[i]);
        if (records[i].traits.emulated) continue;  // its time says nothing
        contestants.push_back(std::move(contestant));
        who.push_back(&records[i]), conversions.push_back(nullptr);
        const auto* converts = dynamic_cast<const ConvertsLayout*>(backends[i]);
        if (!converts) continue;
        const auto converting = converts->conversion();
        if (!c.has_op(converting->ops())) continue;
        contestants.push_back(timed(c, *converting, bench, records[i].workspace_bytes));
        who.push_back(&records[i]), conversions.push_back(converting);
      } catch (const Error& e) {
        if (e.code() == ErrorCode::numeric)
          records[i].score.max = records[i].score.p99 = kInfinite, records[i].score.fault = e.what();
        else
          records[i].unsupported = fmt::format("failed: {}", e.what());
      }
    }
    const auto samples = measure(contestants, options_.repetitions);
    for (size_t i = 0; i < who.size(); i++)
      if (conversions[i])
        who[i]->conversion = median(samples[i]);
      else
        finish(*who[i], samples[i]);
    compare_with_baseline(records, options_.baseline);
  }

 private:
  // Runs the case on the backend once.
  Contestant timed(const Case& c, const Backend& backend, Workbench& bench, size_t workspace_bytes) const {
    const Arena& arena = *arenas_.at(&backend.device());
    const OpSet& ops = backend.ops();
    // std::function copies what it holds.
    const auto own = std::make_shared<const Buffer>(backend.device(), c.own_bytes(ops));
    const DeviceTensors& tensors = bench.tensors();
    std::vector<TensorView> out = tensors.out;
    if (own->bytes()) {
      out.push_back({own->data(), {int64_t(own->bytes())}, DType::u8});
      Context context = bench.context(workspace_bytes);
      c.prepare(ops, context, tensors.in, out.back());
    }
    const auto work = [&c, &ops, &bench, &tensors, own, out, workspace_bytes] {
      Context context = bench.context(workspace_bytes);
      c.run(ops, context, tensors.in, out);
    };
    return {arena.stopwatch.get(), work, [&arena] { arena.flush(); }, arena.stopwatch->seconds(work)};
  }

  // As timed, and scores the result.
  Contestant judged(const Case& c, const Backend& backend, Workbench& bench, DuelRecord& r) const {
    bench.prepare_outputs();
    Contestant contestant = timed(c, backend, bench, r.workspace_bytes);
    r.score = bench.judge(judged_math(r.traits));
    // A first run may include what is done once only, such as compiling.
    if (!r.traits.emulated &&
        contestant.first_seconds * options_.repetitions.least > options_.repetitions.seconds)
      contestant.first_seconds = contestant.stopwatch->seconds(contestant.run);
    return contestant;
  }

  DuelRecord record(const Backend& backend, const Case& c, size_t problem, Pass pass) const {
    DuelRecord r;
    r.problem = problem, r.pass = pass, r.workspace_cap = options_.workspace_cap;
    r.candidate = backend.name(), r.traits = backend.traits(), r.device = backend.device().name();
    if (r.traits.emulated) r.device = "emulated GPU";
    r.flops = c.flops, r.bytes = c.bytes;
    const Support support =
        c.has_op(backend.ops()) ? c.supports(backend.ops()) : Support::no("not written for this backend");
    if (!support) return r.unsupported = support.reason, r;
    const size_t bytes = c.workspace_bytes(backend.ops());
    if (bytes > options_.workspace_cap.value_or(bytes)) {
      r.unsupported = fmt::format("passed over: it needs {} of workspace, the cap is {}",
                                  human_bytes(double(bytes)), human_bytes(double(*options_.workspace_cap)));
      return r;
    }
    r.workspace_bytes = bytes;
    r.kernel = c.kernel(backend.ops());
    return r;
  }

  void finish(DuelRecord& r, const std::vector<double>& samples) const {
    r.seconds = samples;
    r.median = median(samples);
    r.interval = median_interval(samples);
    for (const DeviceRoofs& roofs : duel_.roofs)
      if (roofs.device == r.device)
        r.roof_share = floor_seconds(roofs, r.traits.math, r.flops, r.bytes) / std::max(r.median, 1e-12);
  }

  Duel& duel_;
  const Candidates& candidates_;
  const Backend& oracle_;
  const DuelOptions& options_;
  Arenas& arenas_;
};

std::vector<DeviceRoofs> all_roofs(const Candidates& candidates, Arenas& arenas) {
  std::vector<std::string> maths;
  for (const auto& c : candidates)
    if (const std::string math = c.backend->traits().math;
        std::find(maths.begin(), maths.end(), math) == maths.end())
      maths.push_back(math);
  std::vector<DeviceRoofs> out;
  for (const auto& [device, arena] : arenas)
    for (const auto& c : candidates)
      if (&c.backend->device() == device && c.backend->ops().roofs && !c.backend->traits().emulated) {
        out.push_back(measure_roofs(*c.backend, *arena->stopwatch, maths));
        break;
      }
  return out;
}

double largest_change(const std::vector<DeviceRoofs>& before, const std::vector<DeviceRoofs>& after) {
  double worst = 1;
  for (size_t i = 0; i < before.size(); i++)
    for (const auto& [math, flops] : before[i].flops) {
      const double share = after[i].flops.at(math) / flops;
      if (std::abs(share - 1) > std::abs(worst - 1)) worst = share;
    }
  return worst;
}

}  // namespace

bool Duel::right() const {
  return std::all_of(records.begin(), records.end(),
                     [](const DuelRecord& r) { return !r.ran() || r.score.right(); });
}

Duel run_duel(std::vector<DuelProblem> problems, const Backends& backends, const Backend& oracle,
              const DuelOptions& options) {
  Candidates candidates;
  for (const auto& b : backends) {
    candidates.push_back({b});
    for (auto& variant : b->variants()) candidates.push_back({std::move(variant), true});
  }
  std::vector<std::string> names;
  bool known = false;
  for (const auto& c : candidates) {
    names.emplace_back(c.backend->name());
    known = known || belongs_to(names.back(), options.baseline);
  }
  if (!known)
    fail(ErrorCode::usage, "--baseline", "'{}' does not take part{}", printable(options.baseline),
         suggestion(options.baseline, names));

  Arenas arenas;
  for (const auto& b : backends)
    if (auto& arena = arenas[&b->device()]; !arena) arena = std::make_unique<Arena>(b->device());
  Duel duel;
  duel.problems = std::move(problems);
  duel.baseline = options.baseline;
  options.progress("measuring the roofs");
  duel.roofs = all_roofs(candidates, arenas);
  Running running(duel, candidates, oracle, options, arenas);
  for (size_t i = 0; i < duel.problems.size(); i++)
    for (const Pass pass : passes_of(duel.problems[i], options.passes)) {
      options.progress(
          fmt::format("{}/{} {} {}", i + 1, duel.problems.size(), duel.problems[i].name, name_of(pass)));
      running.run(i, pass);
    }
  options.progress("measuring the roofs again");
  duel.speed_kept = largest_change(duel.roofs, all_roofs(candidates, arenas));
  return duel;
}

Duel merged(std::vector<Duel> duels) {
  GABOR_CHECK(!duels.empty());
  Duel all = std::move(duels[0]);
  for (size_t i = 1; i < duels.size(); i++) {
    std::move(duels[i].records.begin(), duels[i].records.end(), std::back_inserter(all.records));
    if (std::abs(duels[i].speed_kept - 1) > std::abs(all.speed_kept - 1))
      all.speed_kept = duels[i].speed_kept;
  }
  std::stable_sort(all.records.begin(), all.records.end(),
                   [](const DuelRecord& a, const DuelRecord& b) { return a.problem < b.problem; });
  return all;
}

}  // namespace gabor
