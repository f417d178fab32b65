#include "ops/normalize.h"

#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceNormalize final : public NormalizeOp {
 public:
  Support supports(const NormalizeProblem& p) const override {
    const int64_t most = int64_t(p.normalize.scale.size());
    return p.C <= most ? Support::yes() : Support::no("more than 4 channels have no scale and shift");
  }
  void forward(Context&, const NormalizeProblem& p, ConstTensorView x, TensorView y) const override {
    const uint8_t* in = input<uint8_t>("x", x, p.count);
    float* out = output<float>("y", y, p.count);
    for (int64_t i = 0; i < p.count; i++) {
      const int64_t c = i % p.C;
      out[i] = float(in[i] * double(p.normalize.scale[c]) + double(p.normalize.shift[c]));
    }
  }
};

}  // namespace

std::unique_ptr<const NormalizeOp> make_normalize() { return std::make_unique<ReferenceNormalize>(); }

}  // namespace gabor::reference
