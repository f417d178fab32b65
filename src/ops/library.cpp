#include "ops/library.h"

#include <algorithm>

#include "core/text.h"
#include "ops/optimizer.h"

namespace gabor {

Library::Library(std::vector<std::shared_ptr<const Backend>> backends, std::vector<std::string> notes)
    : backends_(std::move(backends)), notes_(std::move(notes)) {
  GABOR_CHECK(!backends_.empty());
  device_ = &backends_[0]->device();
  for (const auto& b : backends_)
    if (&b->device() != device_)
      fail(ErrorCode::device, std::string(b->name()),
           "runs on another device than '{}'; backends of one run share a device", backends_[0]->name());
}

std::vector<std::string> Library::names() const {
  std::vector<std::string> out;
  for (const auto& b : backends_) out.emplace_back(b->name());
  return out;
}

std::vector<const Backend*> Library::ordered(const std::string& prefer) const {
  std::vector<const Backend*> out;
  for (const auto& b : backends_) out.push_back(b.get());
  std::stable_partition(out.begin(), out.end(), [&](const Backend* b) { return b->name() == prefer; });
  return out;
}

void Library::none(const ChoiceRecord& record) const {
  fail(ErrorCode::device, record.where, "no backend runs {} {} ({})", record.op, record.problem,
       join(record.passed_over, "; "));
}

namespace {
constexpr const char* kOptimizerNames[] = {"sgd", "momentum", "nesterov", "adam", "adamw"};
}

const char* name_of(OptimizerKind kind) { return kOptimizerNames[int(kind)]; }

bool parse_optimizer(std::string_view name, OptimizerKind& out) {
  for (int k = 0; k < int(std::size(kOptimizerNames)); k++)
    if (name == kOptimizerNames[k]) return out = OptimizerKind(k), true;
  return false;
}

}  // namespace gabor
