#include "ops/add.h"

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceAdd final : public Add {
 public:
  Support supports(const AddProblem&) const override { return Support::yes(); }

  void forward(Context&, const AddProblem& p, ConstTensorView a, ConstTensorView b,
               TensorView y) const override {
    const float* one = input<float>("a", a, p.count);
    const float* other = input<float>("b", b, p.count);
    float* out = output<float>("y", y, p.count);
    for (int64_t i = 0; i < p.count; i++) out[i] = one[i] + other[i];
  }

  void accumulate(Context&, const AddProblem& p, ConstTensorView dy, TensorView d,
                  GradMode mode) const override {
    const float* in = input<float>("dy", dy, p.count);
    float* out = output<float>("d", d, p.count);
    for (int64_t i = 0; i < p.count; i++) put(out[i], in[i], mode);
  }
};

}  // namespace

std::unique_ptr<const Add> make_add() { return std::make_unique<ReferenceAdd>(); }

}  // namespace gabor::reference
