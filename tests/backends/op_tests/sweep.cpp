#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "backends/op_tests/op_comparison.h"

namespace gabor::op_tests {
namespace {

// A number for a name, so that each op draws its own problems (FNV-1a).
uint32_t hash(const std::string& name) {
  uint32_t h = 2166136261u;
  for (unsigned char c : name) h = (h ^ c) * 16777619u;
  return h;
}

}  // namespace

int shapes_to_run() {
  const char* given = std::getenv("GABOR_TEST_SHAPES");
  const int shapes = given ? std::atoi(given) : 0;
  return shapes > 0 ? shapes : 2000;
}

std::string OpReport::text() const {
  std::string s =
      fmt::format("{}: {} problems, {} failed, {} unsupported; largest error {:.3f} of the budget", what, ran,
                  failed, unsupported, worst);
  if (!worst_problem.empty()) s += fmt::format(" ({})", worst_problem);
  s += fmt::format("; seed {}", seed);
  if (unsupported) s += "; last unsupported: " + unsupported_reason;
  if (failed) s += "\n  first failure: " + first_failure;
  return s;
}

OpReport OpComparison::sweep(const std::string& op, int64_t count, int64_t tries,
                             const std::function<Case(Random&, int64_t)>& draw,
                             std::span<const Data> data) const {
  OpReport report;
  report.what = std::string(backend_->name()) + " " + op;
  report.seed = seed_;
  for (int64_t i = 0; i < tries && report.ran < count; i++) {
    Trial trial({seed_, Purpose::test, uint64_t(i), hash(op)}, backend_->device(), backend_->traits());
    const Case one = draw(trial, i);
    if (!one.support) {
      report.unsupported++;
      report.unsupported_reason = one.problem + ": " + one.support.reason;
      continue;
    }
    Judge judge;
    report.ran++;
    for (Data kind : data) {
      if (kind == Data::special && i % 6 != 0) continue;
      try {
        one.run(trial, kind, judge);
      } catch (const std::exception& e) {
        judge.fail(std::string("threw: ") + e.what());
      }
      if (judge.failure().empty()) continue;
      if (report.failed++ == 0)
        report.first_failure =
            fmt::format("{} (case {}, {} data): {}", one.problem, i, name_of(kind), judge.failure());
      break;
    }
    if (judge.failure().empty() && judge.worst() > report.worst)
      report.worst = judge.worst(), report.worst_problem = one.problem;
  }
  return report;
}

}  // namespace gabor::op_tests
