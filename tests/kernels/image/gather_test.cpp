// Pictures out of a set against their definition: each moved as a whole, then mirrored line by line.
#include "kernels/image/gather.h"

#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using simt::DeviceArray;

struct Batch {
  GatherProblem p;
  std::vector<uint8_t> x;
  std::vector<PictureRow> rows;
  size_t bytes() const { return size_t(p.N * p.H * p.W * p.C); }
};

Batch random_batch(Rng& rng, GatherProblem p) {
  Batch b{p, {}, {}};
  for (int64_t i = 0; i < p.pictures * p.H * p.W * p.C; ++i) b.x.push_back(uint8_t(below(rng, 256)));
  for (int64_t n = 0; n < p.N; ++n) {
    PictureRow row{uint32_t(below(rng, int(p.pictures)))};
    if (below(rng, 2)) row.down = between(rng, -20, 20), row.right = between(rng, -20, 20);
    row.flip = uint32_t(below(rng, 2));
    b.rows.push_back(row);
  }
  return b;
}

// Sides that divide into sixteens now and then, so that plain copies are drawn too.
Batch random_batch(Rng& rng) {
  GatherProblem p;
  p.N = between(rng, 1, 5), p.pictures = between(rng, 1, 6), p.C = between(rng, 1, 4);
  p.H = between(rng, 1, 9), p.W = between(rng, 1, 9);
  if (below(rng, 2)) p.H = 4 * between(rng, 1, 3), p.W = 4 * between(rng, 1, 3);
  return random_batch(rng, p);
}

int beyond(int i, int size) {
  while (size > 1 && (i < 0 || i >= size)) i = i < 0 ? -i : 2 * (size - 1) - i;
  return size > 1 ? i : 0;
}

std::vector<uint8_t> oracle(const Batch& b) {
  const int H = int(b.p.H), W = int(b.p.W), C = int(b.p.C);
  std::vector<uint8_t> y;
  for (const PictureRow& row : b.rows) {
    const uint8_t* x = b.x.data() + size_t(row.picture) * size_t(H * W * C);
    for (int h = 0; h < H; ++h) {
      std::vector<const uint8_t*> line;
      for (int w = 0; w < W; ++w)
        line.push_back(x + (beyond(h - row.down, H) * W + beyond(w - row.right, W)) * C);
      if (row.flip) std::reverse(line.begin(), line.end());
      for (const uint8_t* pixel : line) y.insert(y.end(), pixel, pixel + C);
    }
  }
  return y;
}

// offset: bytes that y begins after an aligned place; they stay as they are.
void check(const Batch& b, GatherRung rung, size_t offset = 0) {
  DeviceArray<uint8_t> x(b.x, "x");
  DeviceArray<PictureRow> rows(b.rows, "rows");
  DeviceArray<uint8_t> y(std::vector<uint8_t>(offset + b.bytes(), 0xa5), "y");
  gather(b.p, x.data(), rows.data(), y.data() + offset, nullptr, rung);
  std::vector<uint8_t> want = oracle(b);
  want.insert(want.begin(), offset, 0xa5);
  ASSERT_EQ(y.values(), want) << "N=" << b.p.N << " H=" << b.p.H << " W=" << b.p.W << " C=" << b.p.C
                              << " rung " << int(rung);
}

TEST(GatherKernels, RandomPictures) {
  for (const auto& [rung, name] : {std::pair{GatherRung::naive, "naive"}, {GatherRung::vector, "vector"}}) {
    Rng rng(5 + seed_of_this_run());
    for (int i = 0; i < 300; ++i) check(random_batch(rng), rung);
    report_problems(std::string("gather ") + name, 300);
  }
}

// More than a block of threads; pictures that begin off the grid of 16 bytes, and a tail of the last thread.
TEST(GatherKernels, LargerThanABlock) {
  Rng rng(6);
  for (const GatherRung rung : {GatherRung::naive, GatherRung::vector}) {
    check(random_batch(rng, {.N = 3, .H = 37, .W = 41, .C = 3, .pictures = 5}), rung);
    check(random_batch(rng, {.N = 3, .H = 32, .W = 48, .C = 3, .pictures = 5}), rung);
  }
}

// From farther away than the picture is large, there and back.
TEST(GatherKernels, MovedByMoreThanThePicture) {
  Rng rng(7);
  Batch b = random_batch(rng, {.N = 4, .H = 3, .W = 5, .C = 1, .pictures = 2});
  b.rows = {{0, 1 << 20, -(1 << 20), 1}, {1, -7, 11, 0}, {1, 2, 4, 1}, {0, 0, 0, 0}};
  for (const GatherRung rung : {GatherRung::naive, GatherRung::vector}) check(b, rung);
}

TEST(GatherKernels, UnalignedBatch) {
  Rng rng(8);
  const Batch b = random_batch(rng);
  check(b, GatherRung::automatic, 1);
  EXPECT_THROW(check(b, GatherRung::vector, 1), simt::Error);
}

TEST(GatherKernels, RefusesWhatItCannotDo) {
  DeviceArray<uint8_t> x(64, "x"), y(64, "y");
  DeviceArray<PictureRow> rows(1, "rows");
  const auto refuses = [&](const GatherProblem& p, GatherRung rung) {
    EXPECT_THROW(gather(p, x.data(), rows.data(), y.data(), nullptr, rung), simt::Error);
  };
  refuses({.C = 5}, GatherRung::automatic);
  refuses({.C = 0}, GatherRung::automatic);
  refuses({.H = 65536}, GatherRung::automatic);
  refuses({.W = 0}, GatherRung::naive);
  refuses({.N = 1 << 12, .H = 1 << 10, .W = 1 << 10, .C = 1}, GatherRung::vector);
}

}  // namespace
}  // namespace gabor::kernels
