// The worked figures of "Architecture of Convolutional Neural Networks (CNNs) demystified" (2017), one test a
// figure, on every CPU backend. Where the article's number is wrong the test has the right one and says so.
// The rows are numbered as in ARTICLE.md of the project's reference folder: A1 to A29 are the pictures of
// convolution and pooling, B8 to B10 the numbers of its network that the ops alone can show.
#include <gtest/gtest.h>

#include <cmath>

#include "golden/article_ops.h"

namespace gabor::article {
namespace {

// A02: the picture of a "4", 17 rows of 4.
const Values kFour = {25,  2,  1,   44, 223, 7,  6,   60,  196, 8,  2,   148, 249, 1,   3,  40, 60,
                      7,   1,  154, 59, 1,   7,  213, 214, 7,   3,  163, 89,  182, 219, 13, 74, 146,
                      113, 72, 89,  18, 244, 85, 1,   4,   8,   97, 3,   4,   2,   121, 2,  1,  2,
                      131, 7,  6,   8,  47,  3,  5,   5,   126, 7,  6,   8,   121, 5,   3,  1,  237};
// A05: the picture of cases 2 to 4, 17 rows of 4.
const Values kPhoto = {86,  4,   8,   184, 252, 3,   8,   40,  34, 7,  7,   163, 105, 2,  3,   69,  56,
                       3,   8,   175, 126, 1,   2,   178, 163, 8,  4,  142, 22,  222, 74, 180, 163, 158,
                       204, 253, 245, 98,  85,  180, 1,   5,   1,  98, 4,   2,   8,   90, 7,   8,   1,
                       235, 2,   1,   3,   217, 3,   6,   5,   97, 6,  5,   8,   79,  8,  8,   5,   133};
// A11: the 6x6 picture and the 3x3 kernel.
const Values kSquare = {18, 54,  51,  239, 244, 188, 55, 121, 75,  78,  95, 88,  35, 24, 204, 113, 109, 221,
                        3,  154, 104, 235, 25,  130, 15, 253, 225, 159, 78, 233, 68, 85, 180, 214, 245, 0};
const Values kCross = {1, 0, 1, 0, 1, 0, 1, 0, 1};
const Values kConvolved = {429, 505, 686, 856, 261, 792, 412, 640,
                           633, 653, 851, 751, 608, 913, 713, 657};  // A12

Conv2dProblem conv(int64_t H, int64_t W, int64_t R, int64_t S) {
  Conv2dProblem p;
  p.H = H, p.W = W, p.R = R, p.S = S;
  return p;
}
Conv2dProblem square_conv(int64_t stride = 1, Padding pad = {}) {
  Conv2dProblem p = conv(6, 6, 3, 3);
  p.stride_h = p.stride_w = stride, p.pad = pad;
  return p;
}
Padding same(const Conv2dProblem& p) {
  const SidePadding h = same_padding(p.H, p.R, p.stride_h), w = same_padding(p.W, p.S, p.stride_w);
  return {h.before, h.after, w.before, w.after};
}
Pool2dProblem pool(PoolKind kind) {
  Pool2dProblem p;
  p.kind = kind, p.H = p.W = 4;
  return p;
}
Values row(const Values& all, int64_t i, int64_t length) {
  return {all.begin() + i * length, all.begin() + (i + 1) * length};
}
// Weights such as 0.3 have no exact float: the last of 4 or 5 digits may be half a unit off.
void expect_near(const Values& got, const Values& want, float tolerance, const std::string& backend) {
  ASSERT_EQ(got.size(), want.size()) << backend;
  for (size_t i = 0; i < want.size(); i++)
    EXPECT_NEAR(got[i], want[i], tolerance) << backend << " [" << i << "]";
}

// WRONG in the article (1 = white, 256 = black): a byte holds 0..255, 0 is black.
TEST(Article, A01) {
  for (const Ops& ops : every_backend()) {
    EXPECT_EQ(ops.normalize({0, 255}, 1, 0), (Values{0, 255})) << ops.name();
    expect_near(ops.normalize({0, 51, 255}, 1 / 255.0f, 0), {0, 0.2f, 1}, 1e-6f, ops.name());
  }
}
TEST(Article, A02) {
  EXPECT_EQ(kFour.size(), 17u * 4);
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.conv2d(conv(17, 4, 1, 1), kFour, {1}), kFour) << ops.name();
}
TEST(Article, A03) {
  Values threefold = kFour;
  for (float& v : threefold) v *= 3;
  for (const Ops& ops : every_backend()) {
    const Values y = ops.conv2d(conv(17, 4, 1, 1), kFour, {3});
    EXPECT_EQ(y, threefold) << ops.name();
    EXPECT_EQ(y[0], 75) << ops.name();  // hidden behind a formula in the article
  }
}
// The article flattens by columns; gabor's tensors are flat by rows already (N,H,W,C), as Keras'.
TEST(Article, A04) {
  for (const Ops& ops : every_backend()) {
    const Values y = ops.conv2d(conv(17, 4, 1, 1), kFour, {3});
    EXPECT_EQ(Values(y.begin(), y.begin() + 5), (Values{75, 6, 3, 132, 669})) << ops.name();
    EXPECT_EQ(Values(y.end() - 4, y.end()), (Values{15, 9, 3, 711})) << ops.name();
    Values by_columns;
    for (size_t column = 0; column < 4; column++)
      for (size_t r = 0; r < 17; r++) by_columns.push_back(y[r * 4 + column]);
    EXPECT_EQ(Values(by_columns.begin(), by_columns.begin() + 5), (Values{75, 669, 588, 747, 180}))
        << ops.name();
    EXPECT_EQ(Values(by_columns.end() - 4, by_columns.end()), (Values{141, 378, 363, 711})) << ops.name();
  }
}
TEST(Article, A05) {
  EXPECT_EQ(kPhoto.size(), 17u * 4);
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.conv2d(conv(17, 4, 1, 1), kPhoto, {1}), kPhoto) << ops.name();
}
TEST(Article, A06) {
  const Conv2dProblem p = conv(17, 4, 1, 2);
  EXPECT_EQ(p.y_shape(), (Shape{1, 17, 3, 1}));
  Values all;
  for (size_t r = 0; r < 17; r++)
    for (size_t c = 0; c < 3; c++) all.push_back(kPhoto[r * 4 + c] + 0.3f * kPhoto[r * 4 + c + 1]);
  for (const Ops& ops : every_backend()) {
    const Values y = ops.conv2d(p, kPhoto, {1, 0.3f});
    expect_near(y, all, 1e-4f, ops.name());
    expect_near(row(y, 0, 3), {87.2f, 6.4f, 63.2f}, 1e-4f, ops.name());
    expect_near(row(y, 1, 3), {252.9f, 5.4f, 20}, 1e-4f, ops.name());
    expect_near(row(y, 9, 3), {274.4f, 123.5f, 139}, 1e-4f, ops.name());
    expect_near(row(y, 16, 3), {10.4f, 9.5f, 44.9f}, 1e-4f, ops.name());
  }
}
TEST(Article, A07) {
  Conv2dProblem p = conv(17, 4, 1, 2);
  p.pad = {0, 0, 1, 1};
  EXPECT_EQ(p.y_shape(), (Shape{1, 17, 5, 1}));
  for (const Ops& ops : every_backend()) {
    const Values y = ops.conv2d(p, kPhoto, {1, 0.3f});
    expect_near(row(y, 0, 5), {25.8f, 87.2f, 6.4f, 63.2f, 184}, 1e-4f, ops.name());
    expect_near(row(y, 1, 5), {75.6f, 252.9f, 5.4f, 20, 40}, 1e-4f, ops.name());
    expect_near(row(y, 16, 5), {2.4f, 10.4f, 9.5f, 44.9f, 133}, 1e-4f, ops.name());
  }
}
// WRONG in the article: A07's padding is not "same" (4 columns become 5). "same" of an even kernel pads
// behind only.
TEST(Article, A08) {
  Conv2dProblem p = conv(17, 4, 1, 2);
  p.pad = same(p);
  EXPECT_EQ(p.pad, (Padding{0, 0, 0, 1}));
  EXPECT_EQ(p.y_shape(), (Shape{1, 17, 4, 1}));
  for (const Ops& ops : every_backend())
    expect_near(row(ops.conv2d(p, kPhoto, {1, 0.3f}), 0, 4), {87.2f, 6.4f, 63.2f, 184}, 1e-4f, ops.name());
}
TEST(Article, A09) {
  Conv2dProblem p = conv(17, 4, 1, 2);
  p.K = 2;
  EXPECT_EQ(p.y_shape(), (Shape{1, 17, 3, 2}));
  for (const Ops& ops : every_backend()) {
    const Values y = ops.conv2d(p, kPhoto, {1, 0.3f, 0.1f, 5});
    Values first, second;
    for (size_t i = 0; i < y.size(); i += 2) first.push_back(y[i]), second.push_back(y[i + 1]);
    expect_near(row(first, 0, 3), {87.2f, 6.4f, 63.2f}, 1e-4f, ops.name());
    expect_near(row(second, 0, 3), {28.6f, 40.4f, 920.8f}, 2e-4f, ops.name());
    expect_near(row(second, 7, 3), {1112.2f, 392.2f, 907.4f}, 2e-4f, ops.name());
    expect_near(row(second, 16, 3), {40.8f, 25.8f, 665.5f}, 2e-4f, ops.name());
  }
}
TEST(Article, A10) { EXPECT_EQ(conv(17, 4, 2, 2).y_shape(), (Shape{1, 16, 3, 1})); }
TEST(Article, A11) {
  EXPECT_EQ(kSquare.size(), 36u);
  EXPECT_EQ(kCross, Values(kCross.rbegin(), kCross.rend()));  // the same when flipped: see A24
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.conv2d(conv(6, 6, 1, 1), kSquare, {1}), kSquare) << ops.name();
}
TEST(Article, A12) {
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.conv2d(square_conv(), kSquare, kCross), kConvolved) << ops.name();
}
// WRONG in the article: it prints 412 in the last cell, which is the cell at row 1, column 2 of stride 1.
TEST(Article, A13) {
  for (const Ops& ops : every_backend()) {
    EXPECT_EQ(ops.conv2d(square_conv(2), kSquare, kCross), (Values{429, 686, 633, 851})) << ops.name();
    EXPECT_EQ(ops.conv2d(square_conv(), kSquare, kCross)[1 * 4 + 2], 412) << ops.name();
  }
}
TEST(Article, A14) {
  const Conv2dProblem p = square_conv(2);
  EXPECT_EQ(p.P(), 2);
  EXPECT_EQ(p.Q(), 2);
  EXPECT_EQ(unread(p.H, p.R, p.pad.top, p.stride_h, p.dil_h, p.P()), 1);
  EXPECT_EQ(unread(p.W, p.S, p.pad.left, p.stride_w, p.dil_w, p.Q()), 1);
  // And so they are: the last row and column may hold anything.
  Values other = kSquare;
  for (size_t i = 0; i < 6; i++) other[30 + i] = other[i * 6 + 5] = 1000;
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.conv2d(p, other, kCross), ops.conv2d(p, kSquare, kCross)) << ops.name();
}
TEST(Article, A15) {
  const Values padded = {139, 184, 250, 409, 410, 283, 133, 429, 505, 686, 856, 441,
                         310, 261, 792, 412, 640, 341, 280, 633, 653, 851, 751, 317,
                         254, 608, 913, 713, 657, 503, 321, 325, 592, 517, 637, 78};
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.conv2d(square_conv(1, {1, 1, 1, 1}), kSquare, kCross), padded) << ops.name();
}
TEST(Article, A16) {
  for (const Ops& ops : every_backend()) {
    const Values y = ops.conv2d(square_conv(1, {1, 1, 1, 1}), kSquare, kCross);
    Values centre;
    for (size_t r = 1; r < 5; r++)
      centre.insert(centre.end(), y.begin() + long(r) * 6 + 1, y.begin() + long(r) * 6 + 5);
    EXPECT_EQ(centre, kConvolved) << ops.name();
  }
}
// WRONG in the article: what it calls "same" ("only the valid pixels") is valid padding.
TEST(Article, A17) {
  EXPECT_EQ(square_conv().y_shape(), (Shape{1, 4, 4, 1}));
  EXPECT_EQ(square_conv(1, same(square_conv())).y_shape(), (Shape{1, 6, 6, 1}));
}
// Two paddings that both make 3x3 of 6x6 at stride 2 and are not the same: Keras' "same" and Caffe's 1 all
// round.
TEST(Article, A18) {
  const Padding keras = same(square_conv(2));
  EXPECT_EQ(keras, (Padding{0, 1, 0, 1}));
  for (const Ops& ops : every_backend()) {
    EXPECT_EQ(ops.conv2d(square_conv(2, keras), kSquare, kCross),
              (Values{429, 686, 441, 633, 851, 317, 325, 517, 78}))
        << ops.name();
    EXPECT_EQ(ops.conv2d(square_conv(2, {1, 1, 1, 1}), kSquare, kCross),
              (Values{139, 250, 410, 310, 792, 640, 254, 913, 657}))
        << ops.name();
  }
}
TEST(Article, A19) {
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.pool2d(pool(PoolKind::max), kConvolved).y, (Values{792, 856, 913, 851})) << ops.name();
}
TEST(Article, A20) {
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.pool2d(pool(PoolKind::average), kConvolved).y, (Values{496.75f, 648.5f, 701.75f, 743}))
        << ops.name();
}
// The root of the sum of squares; the root of their mean would be half of it.
TEST(Article, A21) {
  for (const Ops& ops : every_backend()) {
    const Values y = ops.pool2d(pool(PoolKind::l2), kConvolved).y;
    expect_near(y, {1065.1061f, 1335.1689f, 1424.8968f, 1492.7223f}, 2e-4f, ops.name());
    const double sums[] = {1134451, 1782676, 2030331, 2228220};
    for (size_t i = 0; i < 4; i++) EXPECT_NEAR(y[i], std::sqrt(sums[i]), 2e-4) << ops.name();
  }
}
TEST(Article, A22) {
  const Values ones(16, 1);
  for (const Ops& ops : every_backend()) {
    const auto g = ops.conv2d_wgrad(square_conv(), kSquare, ones);
    EXPECT_EQ(g.dw, (Values{1563, 1925, 2199, 1853, 2052, 2172, 2071, 2407, 2475})) << ops.name();
    EXPECT_EQ(g.db, (Values{16})) << ops.name();
    EXPECT_EQ(ops.conv2d_dgrad(square_conv(), ones, kCross),
              (Values{1, 1, 2, 2, 1, 1, 1, 2, 3, 3, 2, 1, 2, 3, 5, 5, 3, 2,
                      2, 3, 5, 5, 3, 2, 1, 2, 3, 3, 2, 1, 1, 1, 2, 2, 1, 1}))
        << ops.name();
  }
}
TEST(Article, A23) {
  const Values ones(4, 1);
  const auto backward = [&](const Ops& ops, PoolKind kind) {
    return ops.pool2d_backward(pool(kind), kConvolved, ops.pool2d(pool(kind), kConvolved), ones);
  };
  for (const Ops& ops : every_backend()) {
    Values routed(16);
    routed[1 * 4 + 1] = routed[0 * 4 + 3] = routed[3 * 4 + 1] = routed[2 * 4 + 2] = 1;
    EXPECT_EQ(backward(ops, PoolKind::max), routed) << ops.name();
    EXPECT_EQ(backward(ops, PoolKind::average), Values(16, 0.25f)) << ops.name();
    const Values y = ops.pool2d(pool(PoolKind::l2), kConvolved).y;
    Values share;
    for (size_t i = 0; i < 16; i++) share.push_back(kConvolved[i] / y[i / 8 * 2 + i % 4 / 2]);
    expect_near(backward(ops, PoolKind::l2), share, 1e-6f, ops.name());
  }
}
// Cross-correlation: the kernel is not flipped. A12's kernel could not tell, A06's can.
TEST(Article, A24) {
  const Conv2dProblem p = conv(17, 4, 1, 2);
  for (const Ops& ops : every_backend()) {
    EXPECT_NEAR(ops.conv2d(p, kPhoto, {1, 0.3f})[0], 87.2f, 1e-4f) << ops.name();
    EXPECT_NEAR(ops.conv2d(p, kPhoto, {0.3f, 1})[0], 29.8f, 1e-4f) << ops.name();  // what flipping would give
  }
}
TEST(Article, A25) {
  Conv2dProblem p = conv(32, 32, 5, 5);
  p.C = 3, p.K = 10;
  EXPECT_EQ(p.y_shape(), (Shape{1, 28, 28, 10}));
}
TEST(Article, A26) {
  for (int64_t W = 3; W < 40; W++)
    for (int64_t F = 1; F <= 3; F++)
      for (int64_t P = 0; P < 3; P++)
        for (int64_t S = 1; S < 4; S++) EXPECT_EQ(window_positions(W, F, P, P, S), (W - F + 2 * P) / S + 1);
  Conv2dProblem p = conv(9, 9, 3, 3);
  p.C = 7, p.K = 5;
  EXPECT_EQ(p.y_shape()[3], 5);                 // depth = number of filters
  EXPECT_EQ(p.w_shape(), (Shape{5, 3, 3, 7}));  // filter depth = input depth
}
// WRONG in the article: 30x30x10 needs a 32x32x3 input, not 3x3x3.
TEST(Article, A27) {
  Conv2dProblem p = conv(32, 32, 3, 3);
  p.C = 3, p.K = 10;
  EXPECT_EQ(p.y_shape(), (Shape{1, 30, 30, 10}));
  p.H = p.W = 3;
  EXPECT_EQ(p.y_shape(), (Shape{1, 1, 1, 10}));
}
// Pooling takes each channel by itself and keeps their number.
TEST(Article, A28) {
  Pool2dProblem p = pool(PoolKind::max);
  p.C = 2;
  EXPECT_EQ(p.y_shape(), (Shape{1, 2, 2, 2}));
  Values both;
  for (float v : kConvolved) both.push_back(v), both.push_back(-v);
  for (const Ops& ops : every_backend())
    EXPECT_EQ(ops.pool2d(p, both).y, (Values{792, -261, 856, -412, 913, -608, 851, -657})) << ops.name();
}
TEST(Article, A29) {
  const auto positions = [](int64_t extent, int64_t window, bool ceil) {
    Pool2dProblem p;
    p.H = p.W = extent, p.R = p.S = window, p.ceil = ceil;
    return p.P();
  };
  EXPECT_EQ(positions(296, 2, false), 148);
  EXPECT_EQ(positions(296, 2, true), 148);
  EXPECT_EQ(positions(299, 2, false), 149);
  EXPECT_EQ(positions(299, 2, true), 150);
  EXPECT_EQ(positions(112, 3, false), 55);
  EXPECT_EQ(positions(112, 3, true), 56);
  EXPECT_FALSE(Pool2dProblem{}.ceil);
}

TEST(Article, B08) {
  for (const Ops& ops : every_backend()) {
    expect_near(ops.softmax(1, 2, {0, 0}), {0.5f, 0.5f}, 1e-7f, ops.name());
    expect_near(ops.softmax(1, 3, {1, 2, 3}), {0.09003057f, 0.24472847f, 0.66524096f}, 2e-7f, ops.name());
    const auto even = ops.loss({LossKind::softmax_xent, 1, 2}, {0, 0}, {0});
    EXPECT_NEAR(even.loss, 0.693147f, 1e-6f) << ops.name();
    expect_near(even.dy, {-0.5f, 0.5f}, 1e-7f, ops.name());
    const auto far = ops.loss({LossKind::softmax_xent, 1, 2}, {1000, 0}, {1});
    EXPECT_EQ(far.loss, 1000) << ops.name();
    EXPECT_EQ(far.dy, (Values{1, -1})) << ops.name();
    EXPECT_EQ(ops.loss({LossKind::softmax_xent, 1, 2}, {1000, 0}, {0}).loss, 0) << ops.name();
    EXPECT_EQ(ops.softmax(1, 2, {1000, 0}), (Values{1, 0})) << ops.name();
  }
}
// The whole chain once: convolution, ReLU, pooling, flatten, dense layer of zeros, loss, first step of Adam.
TEST(Article, B09) {
  DenseProblem dense;
  dense.C = 4, dense.K = 2;
  for (const Ops& ops : every_backend()) {
    const Values features =
        ops.pool2d(pool(PoolKind::max), ops.relu(ops.conv2d(square_conv(), kSquare, kCross))).y;
    EXPECT_EQ(features, (Values{792, 856, 913, 851})) << ops.name();
    const auto loss =
        ops.loss({LossKind::softmax_xent, 1, 2}, ops.dense(dense, features, Values(8), Values(2)), {0});
    const auto g = ops.dense_wgrad(dense, features, loss.dy);
    // w is K,C: the rows of the article's C,K table stand as columns.
    EXPECT_EQ(g.dw, (Values{-396, -428, -456.5f, -425.5f, 396, 428, 456.5f, 425.5f})) << ops.name();
    EXPECT_EQ(g.db, (Values{-0.5f, 0.5f})) << ops.name();
    const Values moved = ops.first_update({}, 0.001f, Values(8), g.dw);
    for (size_t i = 0; i < 8; i++) EXPECT_NEAR(moved[i], i < 4 ? 0.001f : -0.001f, 1e-9f) << ops.name();
  }
}
// Adam with Keras' constants; epsilon stands outside the root, which a tiny gradient shows.
TEST(Article, B10) {
  const OptimizerProblem adam;
  EXPECT_EQ(adam.kind, OptimizerKind::adam);
  EXPECT_EQ(adam.beta1, 0.9f);
  EXPECT_EQ(adam.beta2, 0.999f);
  EXPECT_EQ(adam.epsilon, 1e-7f);
  for (const Ops& ops : every_backend()) {
    const Values w = ops.first_update(adam, 0.001f, {0, 0, 0}, {1e-7f, -2, 0});
    EXPECT_NEAR(w[0], -0.001 / 2, 1e-8) << ops.name();  // g / (|g| + epsilon)
    EXPECT_NEAR(w[1], 0.001 * 2 / (2 + 1e-7), 1e-9) << ops.name();
    EXPECT_EQ(w[2], 0) << ops.name();
  }
}

}  // namespace
}  // namespace gabor::article
