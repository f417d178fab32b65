// Pictures out of a set, as the rows of a batch.
#include <fmt/format.h>

#include <algorithm>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "ops/gather.h"

namespace gabor::op_tests {
namespace {

// By walking back from beyond the border, which is how a reflection is defined.
int64_t walked(int64_t i, int64_t size) {
  while (size > 1 && (i < 0 || i >= size)) i = i < 0 ? -i : 2 * (size - 1) - i;
  return size > 1 ? i : 0;
}

std::vector<uint8_t> expected(const GatherProblem& p, const std::vector<uint8_t>& x,
                              const std::vector<PictureRow>& rows) {
  std::vector<uint8_t> y;
  for (const PictureRow& row : rows)
    for (int64_t h = 0; h < p.H; h++) {
      std::vector<int64_t> columns;
      for (int64_t w = 0; w < p.W; w++) columns.push_back(walked(w - row.right, p.W));
      if (row.flip) std::reverse(columns.begin(), columns.end());
      for (const int64_t w : columns) {
        const int64_t pixel = (row.picture * p.H + walked(h - row.down, p.H)) * p.W + w;
        y.insert(y.end(), x.begin() + pixel * p.C, x.begin() + (pixel + 1) * p.C);
      }
    }
  return y;
}

void run_gather(const Gather& op, const GatherProblem& p, Trial& trial, Judge& judge) {
  std::vector<uint8_t> pixels(size_t(p.pictures * p.H * p.W * p.C));
  for (uint8_t& v : pixels) v = uint8_t(trial.below(256));
  std::vector<PictureRow> drawn(size_t(p.N), PictureRow{});
  for (PictureRow& row : drawn) {
    row.picture = trial.below(uint32_t(p.pictures)), row.flip = trial.below(2);
    if (trial.below(2)) row.down = int(trial.below(31)) - 15, row.right = int(trial.below(31)) - 15;
  }
  const Guarded x = Guarded::input(trial, "x", pixels.data(), {p.pictures, p.H, p.W, p.C}, DType::u8);
  Buffer rows(trial.device, drawn.size() * sizeof(PictureRow));
  trial.device.copy_to(rows.data(), drawn.data(), rows.bytes());
  Guarded y = Guarded::output(trial, "y", {p.N, p.H, p.W, p.C}, DType::u8);
  Scratch scratch(trial);
  op.forward(scratch.context, p, x.in(), static_cast<const PictureRow*>(rows.data()), y.out());
  judge.intact({&x, &y, &scratch.memory});
  const auto got = y.values<uint8_t>();
  const std::vector<int32_t> numbers(got.begin(), got.end());
  const std::vector<uint8_t> bytes = expected(p, pixels, drawn);
  judge.exact("y", numbers, std::vector<int32_t>(bytes.begin(), bytes.end()));
}

}  // namespace

OpReport OpComparison::gather(int count) const {
  const Gather& op = *backend_->ops().gather;
  const auto draw = [&](Random& random, int64_t) -> Case {
    GatherProblem p;
    p.N = 1 + random.below(6), p.pictures = 1 + random.below(8);
    p.H = 1 + random.below(12), p.W = 1 + random.below(12), p.C = 1 + random.below(4);
    return {fmt::format("N={} H={} W={} C={} pictures={}", p.N, p.H, p.W, p.C, p.pictures), op.supports(p),
            [&op, p](Trial& trial, Data, Judge& judge) { run_gather(op, p, trial, judge); }};
  };
  constexpr Data kinds[] = {Data::real};
  return sweep("gather", count, kTries * count, draw, kinds);
}

}  // namespace gabor::op_tests
