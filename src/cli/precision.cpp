#include "cli/precision.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/weighted_pass.h"

namespace gabor {
namespace {

bool is_weighted_pass(const ChoiceRecord& c) {
  if (c.op != WeightedOp<Conv2d>::kName && c.op != WeightedOp<Dense>::kName) return false;
  return c.where.ends_with(" fprop") || c.where.ends_with(" dgrad") || c.where.ends_with(" wgrad");
}

}  // namespace

PrecisionUse precision_use(const Plan& plan, const Library& library) {
  PrecisionUse use{.precision = library.precision(), .storage = library.storage()};
  for (const auto& v : library.variants())
    use.known |= v->name().ends_with("/" + use.precision) && v->traits().math == use.precision;
  for (const ChoiceRecord& c : plan.choices)
    if (is_weighted_pass(c)) {
      use.of++;
      use.lower += library.named(c.backend)->traits().math == use.precision;
    }
  return use;
}

std::string precision_text(const PrecisionUse& use, const std::string& device) {
  if (use.precision == "fp32") return "";
  if (!use.known) return fmt::format("fp32: {} has no effect on {}", use.precision, device);
  if (use.storage != DType::f32)
    return fmt::format("{} in memory and in products; weights, sums and validation in fp32{}", use.precision,
                       use.storage == DType::f16 ? "; the loss is scaled" : "");
  if (use.lower == 0)
    return fmt::format("fp32: no convolution or dense layer of this net runs in {} here", use.precision);
  return fmt::format(
      "{} in {} of {} passes of convolutions and dense layers; all else, and validation, in fp32",
      use.precision, use.lower, use.of);
}

}  // namespace gabor
