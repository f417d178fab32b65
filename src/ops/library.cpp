#include "ops/library.h"

#include <algorithm>

#include "core/text.h"
#include "ops/budget.h"
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
  for (const auto& b : backends_)
    for (auto& variant : b->variants()) variants_.push_back(std::move(variant));
}

Library Library::tuned(TunedChoices choices, const std::vector<std::string>& notes) const {
  Library out = *this;
  out.notes_.insert(out.notes_.end(), notes.begin(), notes.end());
  for (auto& [where, choice] : choices) {
    if (named(choice.backend))
      out.tuned_[where] = std::move(choice);
    else
      out.notes_.push_back(
          fmt::format("{} on {}: this machine or this build does not have it", where, choice.backend));
  }
  return out;
}

Library Library::in_precision(const std::string& math) const {
  Library out = *this;
  out.precision_ = math;
  out.storage_ = DType::f32;
  for (const auto& b : backends_)
    if (const Backend* variant = named(fmt::format("{}/{}", b->name(), math));
        variant && variant->traits().math == math)
      if (out.storage_ == DType::f32) out.storage_ = variant->traits().storage;
  std::erase_if(out.tuned_, [&](const auto& choice) {
    const Traits traits = named(choice.second.backend)->traits();
    return traits.storage != out.storage_ || operand_rounding(traits.math) > operand_rounding(math);
  });
  return out;
}

std::string Library::unfit(const std::string& prefer) const {
  const Backend* variant = named(prefer);
  if (!variant || !is_variant(*variant) || variant->traits().storage == storage_) return "";
  return fmt::format("{}: keeps tensors in {}, and this run in {}", prefer,
                     name_of(variant->traits().storage), name_of(storage_));
}

const TunedChoice* Library::tuned_for(const ChoiceRecord& record) const {
  const auto at = tuned_.find(record.where);
  return at == tuned_.end() ? nullptr : &at->second;
}

std::vector<std::string> Library::names() const {
  std::vector<std::string> out;
  for (const auto& b : backends_) out.emplace_back(b->name());
  return out;
}

size_t Library::fixed_bytes() const {
  size_t bytes = 0;
  for (const auto& b : backends_) bytes += b->fixed_bytes();
  return bytes;
}

const Backend* Library::named(const std::string& name) const {
  for (const auto* list : {&backends_, &variants_})
    for (const auto& b : *list)
      if (b->name() == name) return b.get();
  return nullptr;
}

std::vector<const Backend*> Library::ordered(const std::string& prefer, bool exactly) const {
  std::vector<const Backend*> plain, out;
  for (const auto& b : backends_) plain.push_back(b.get());
  const std::string backend = prefer.substr(0, prefer.find('/'));
  std::stable_partition(plain.begin(), plain.end(), [&](const Backend* b) { return b->name() == backend; });
  const auto add = [&](const Backend* b) {
    if (b && b->traits().storage == storage_ && std::find(out.begin(), out.end(), b) == out.end())
      out.push_back(b);
  };
  const Backend* first = named(prefer);
  if (first && (exactly || is_variant(*first))) add(first);
  for (const Backend* b : plain) add(named(fmt::format("{}/{}", b->name(), precision_))), add(b);
  return out;
}

void Library::check_name(const std::string& name, const std::string& where) const {
  const std::string backend = name.substr(0, name.find('/'));
  const auto is_it = [](const std::string& n) { return [&n](const auto& b) { return b->name() == n; }; };
  if (name == backend || std::none_of(backends_.begin(), backends_.end(), is_it(backend)) ||
      std::any_of(variants_.begin(), variants_.end(), is_it(name)))
    return;
  std::vector<std::string> known;
  for (const auto& v : variants_) known.emplace_back(v->name());
  fail(ErrorCode::usage, where, "backend = \"{}\": {} has no kernel of that name{}", printable(name), backend,
       suggestion(name, known));
}

void Library::none(const ChoiceRecord& record) const {
  if (storage_ != DType::f32)
    fail(ErrorCode::device, record.where, "no backend keeps {} {} in {}{}; train this net in fp32 or tf32",
         record.op, record.problem, name_of(storage_),
         record.passed_over.empty() ? "" : " (" + join(record.passed_over, "; ") + ")");
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
