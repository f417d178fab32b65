#include "model/mixed_precision.h"

namespace gabor {

MixedPrecision choose_mixed_precision(const Library& library, int64_t parameter_elements,
                                      std::vector<ChoiceRecord>& records) {
  MixedPrecision mixed{.storage = library.storage()};
  if (mixed.storage == DType::f32) return mixed;
  const Library exact = library.in_precision("fp32");  // whose ops are those of f32 tensors
  const std::string size = fmt::format("{} parameters", parameter_elements);
  ChoiceRecord cast{.where = "weights", .op = "cast", .problem = size, .backend = "", .passed_over = {}};
  mixed.cast = exact.choose(
      &OpSet::cast,
      [&](const Cast& o) {
        return o.supports({parameter_elements, mixed.storage});
      },
      cast);
  records.push_back(std::move(cast));
  if (mixed.storage != DType::f16) return mixed;  // bf16 has the range of f32
  ChoiceRecord norm{
      .where = "gradients", .op = "gradient_norm", .problem = size, .backend = "", .passed_over = {}};
  mixed.norm = exact.choose(
      &OpSet::gradient_norm, [&](const GradientNorm& o) { return o.supports(parameter_elements); }, norm);
  records.push_back(std::move(norm));
  return mixed;
}

}  // namespace gabor
