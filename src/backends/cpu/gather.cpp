// Pictures out of a set: a copy each, or line by line where they are moved.
#include <algorithm>
#include <cstring>

#include "backends/cpu/ops.h"
#include "core/parallel.h"

namespace gabor::cpu {
namespace {

// A line of W pixels of C bytes, moved and mirrored.
void gather_line(const PictureRow& row, int W, int64_t C, const uint8_t* from, uint8_t* to) {
  if (!row.flip && row.right == 0) {
    std::memcpy(to, from, size_t(W * C));
    return;
  }
  for (int w = 0; w < W; w++, to += C)
    std::copy_n(from + reflected((row.flip ? W - 1 - w : w) - row.right, W) * C, C, to);
}

class CpuGather final : public Gather {
 public:
  void forward(Context&, const GatherProblem& p, ConstTensorView x, const PictureRow* rows,
               TensorView y) const override {
    const int64_t line = p.W * p.C, picture = p.H * line;
    parallel_for(p.N, [&](int64_t n) {
      const PictureRow& row = rows[n];
      const uint8_t* from = x.as<uint8_t>() + row.picture * picture;
      uint8_t* to = y.as<uint8_t>() + n * picture;
      if (!row.flip && row.right == 0 && row.down == 0)
        std::memcpy(to, from, size_t(picture));
      else
        for (int h = 0; h < int(p.H); h++)
          gather_line(row, int(p.W), p.C, from + reflected(h - row.down, int(p.H)) * line, to + h * line);
    });
  }
};

}  // namespace

std::unique_ptr<Gather> make_gather() { return std::make_unique<CpuGather>(); }

}  // namespace gabor::cpu
