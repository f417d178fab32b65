#include "ops/gather.h"

#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceGather final : public Gather {
 public:
  void forward(Context&, const GatherProblem& p, ConstTensorView x, const PictureRow* rows,
               TensorView y) const override {
    const uint8_t* from = input<uint8_t>("x", x, p.pictures * p.H * p.W * p.C);
    uint8_t* to = output<uint8_t>("y", y, p.N * p.H * p.W * p.C);
    const int H = int(p.H), W = int(p.W);
    for (int64_t n = 0; n < p.N; n++)
      for (int h = 0; h < H; h++)
        for (int w = 0; w < W; w++) {
          const PictureRow& row = rows[n];
          const int source_h = reflected(h - row.down, H);
          const int source_w = reflected((row.flip ? W - 1 - w : w) - row.right, W);
          const uint8_t* pixel = from + ((int64_t{row.picture} * H + source_h) * W + source_w) * p.C;
          for (int64_t c = 0; c < p.C; c++) *to++ = pixel[c];
        }
  }
};

}  // namespace

std::unique_ptr<const Gather> make_gather() { return std::make_unique<ReferenceGather>(); }

}  // namespace gabor::reference
