// 100,000 random illegal descriptors: each is refused with gabor's one exception type, and nothing else
// happens.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/philox.h"
#include "core/problem/conv2d.h"
#include "core/problem/pool2d.h"

namespace gabor {
namespace {

int64_t nonsense(Random& random) {
  constexpr int64_t values[] = {0, -1, -7, INT64_MIN, -(int64_t{1} << 31)};
  return values[random.below(std::size(values))];
}

int64_t huge(Random& random) {
  constexpr int64_t values[] = {INT64_MAX, INT64_MAX / 2, (int64_t{1} << 31) + 1, int64_t{1} << 40};
  return values[random.below(std::size(values))];
}

Conv2dProblem legal_conv2d(Random& random) {
  Conv2dProblem p;
  p.groups = 1 + random.below(3);
  p.N = 1 + random.below(9), p.C = p.groups * (1 + random.below(5)), p.K = p.groups * (1 + random.below(5));
  p.H = 8 + random.below(60), p.W = 8 + random.below(60), p.R = 1 + random.below(7),
  p.S = 1 + random.below(7);
  p.stride_h = 1 + random.below(3), p.stride_w = 1 + random.below(3);
  p.pad = {random.below(3), random.below(3), random.below(3), random.below(3)};
  return p;
}

void spoil(Conv2dProblem& p, Random& random) {
  int64_t* const sizes[] = {&p.N, &p.H,        &p.W,        &p.C,     &p.K,     &p.R,
                            &p.S, &p.stride_h, &p.stride_w, &p.dil_h, &p.dil_w, &p.groups};
  int64_t* const pads[] = {&p.pad.top, &p.pad.bottom, &p.pad.left, &p.pad.right};
  switch (random.below(6)) {
    case 0:
      *sizes[random.below(std::size(sizes))] = nonsense(random);
      return;
    case 1:
      *pads[random.below(std::size(pads))] = -1 - int64_t(random.below(100));
      return;
    case 2:
      *sizes[random.below(std::size(sizes))] = huge(random);
      return;
    case 3:  // groups that do not divide
      p.groups = 2 + random.below(6);
      p.C = p.groups * (1 + random.below(4)) + 1;
      return;
    case 4:  // a window that does not fit
      p.pad = {};
      p.dil_h = p.dil_w = 1;
      (random.below(2) ? p.R : p.S) = 68 + random.below(1000);
      return;
    case 5:  // each size is fine, the product is not
      p.N = p.H = p.W = int64_t{1} << 24;
      p.groups = 1, p.C = p.K = 1 << 10;
      return;
  }
}

template <class Problem>
void expect_refused(const Problem& p, int64_t i) {
  try {
    p.check("layer 'conv1'");
    ADD_FAILURE() << "case " << i << " was taken: " << to_string(p);
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_TRUE(e.code() == ErrorCode::usage || e.code() == ErrorCode::memory) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_FALSE(message.empty());
  }
}

TEST(IllegalProblems, Conv2dIsRefused) {
  for (int64_t i = 0; i < 70000; i++) {
    Random random({31, Purpose::test, uint64_t(i)});
    Conv2dProblem p = legal_conv2d(random);
    ASSERT_NO_THROW(p.check("")) << to_string(p);
    spoil(p, random);
    ASSERT_NO_FATAL_FAILURE(expect_refused(p, i));
    if (HasFailure()) return;
  }
}

TEST(IllegalProblems, Pool2dIsRefused) {
  for (int64_t i = 0; i < 30000; i++) {
    Random random({32, Purpose::test, uint64_t(i)});
    Pool2dProblem p;
    p.kind = PoolKind(random.below(3));
    p.N = 1 + random.below(9), p.C = 1 + random.below(9), p.H = 8 + random.below(60),
    p.W = 8 + random.below(60);
    p.R = 1 + random.below(7), p.S = 1 + random.below(7);
    p.ceil = random.below(2);
    ASSERT_NO_THROW(p.check("")) << to_string(p);
    int64_t* const sizes[] = {&p.N, &p.H, &p.W, &p.C, &p.R, &p.S, &p.stride_h, &p.stride_w};
    int64_t* const pads[] = {&p.pad.top, &p.pad.bottom, &p.pad.left, &p.pad.right};
    switch (random.below(4)) {
      case 0:
        *sizes[random.below(std::size(sizes))] = nonsense(random);
        break;
      case 1:
        *pads[random.below(std::size(pads))] = -1 - int64_t(random.below(100));
        break;
      case 2: {  // padding as large as the window: a window that lies in the padding has no largest element
        const size_t side = random.below(4);
        *pads[side] = (side < 2 ? p.R : p.S) + random.below(10);
        break;
      }
      case 3:
        p.N = p.H = p.W = int64_t{1} << 31;
        break;
    }
    expect_refused(p, i);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace gabor
