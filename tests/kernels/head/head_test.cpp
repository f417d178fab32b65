#include "kernels/head/head.h"

#include <memory>

#include "kernels/class_labels.h"
#include "kernels/head/oracle.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using simt::DeviceArray;

std::string text_of(const HeadProblem& p) {
  std::string s = "N=" + std::to_string(p.N);
  if (p.pool)
    for (int64_t v : {p.pool->H, p.pool->W, p.pool->C, p.pool->R, p.pool->S, p.pool->pad.top,
                      p.pool->pad.left, p.pool->stride_h, p.pool->stride_w, int64_t(p.pool->relu)})
      s += " " + std::to_string(v);
  for (int i = 0; i < p.layers; ++i)
    s += " | " + std::to_string(p.layer(i).C) + " to " + std::to_string(p.layer(i).K) +
         (p.layer(i).activation.kind == ActivationKind::relu ? " relu" : "");
  return s + " | smoothing " + std::to_string(p.label_smoothing) + (p.two_labels ? ", two labels" : "");
}

HeadProblem problem(int64_t N, std::initializer_list<int64_t> widths) {
  HeadProblem p;
  p.N = N, p.layers = int(widths.size()) - 1;
  for (int i = 0; i < p.layers; ++i) {
    DenseProblem& d = p.dense[size_t(i)];
    d.N = N, d.C = widths.begin()[i], d.K = widths.begin()[i + 1];
    if (i + 1 < p.layers) d.activation.kind = ActivationKind::relu;
  }
  return p;
}

void pool_before(HeadProblem& p, Pool2dProblem pool) {
  pool.N = p.N;
  p.pool = pool;
  p.dense[0].C = pool.P() * pool.Q() * pool.C;
}

Pool2dProblem random_pool(Rng& rng) {
  Pool2dProblem p;
  do {
    p = {};
    p.H = between(rng, 1, 9), p.W = between(rng, 1, 9), p.C = between(rng, 1, 9);
    p.R = between(rng, 1, 3), p.S = between(rng, 1, 3);
    p.stride_h = between(rng, 1, 3), p.stride_w = between(rng, 1, 3);
    p.pad = {below(rng, int(p.R)), below(rng, int(p.R)), below(rng, int(p.S)), below(rng, int(p.S))};
    p.ceil = below(rng, 2) == 0, p.relu = below(rng, 2) == 0;
  } while (p.P() < 1 || p.Q() < 1);
  return p;
}

HeadProblem random_problem(Rng& rng) {
  constexpr int kWidths[] = {1, 2, 3, 4, 5, 10, 31, 32, 33, 64, 70};
  const auto width = [&] { return kWidths[below(rng, 11)]; };
  HeadProblem p;
  p.N = between(rng, 1, 10), p.layers = between(rng, 1, HeadProblem::kMostLayers);
  int64_t inputs = width();
  for (int i = 0; i < p.layers; ++i) {
    DenseProblem& d = p.dense[size_t(i)];
    d.N = p.N, d.C = inputs, d.K = inputs = width();
    if (i + 1 < p.layers && below(rng, 4) != 0) d.activation.kind = ActivationKind::relu;
  }
  if (below(rng, 2) == 0) pool_before(p, random_pool(rng));
  if (below(rng, 3) == 0) p.label_smoothing = uniform(rng, 0.01f, 0.3f);
  p.two_labels = below(rng, 2) == 0;
  return p;
}

enum class Data { real, integer, special };

std::vector<float> values(Rng& rng, int64_t count, Data data) {
  std::vector<float> v;
  for (int64_t i = 0; i < count; ++i)
    v.push_back(data == Data::integer ? float(below(rng, 5) - 2) : uniform(rng, -1, 1));
  if (data == Data::special)
    v[size_t(below(rng, int(count)))] = std::vector<float>{NAN, INFINITY, -INFINITY}[size_t(below(rng, 3))];
  return v;
}

int64_t x_count(const HeadProblem& p) {
  return p.N * (p.pool ? p.pool->H * p.pool->W * p.pool->C : p.layer(0).C);
}

// The inputs of a head. Special values in x alone: on both sides nearly everything would be NaN.
HeadValues random_inputs(Rng& rng, const HeadProblem& p, Data data) {
  HeadValues v;
  v.x = values(rng, x_count(p), data);
  const Data plain = data == Data::special ? Data::real : data;
  for (int i = 0; i < p.layers; ++i) {
    const DenseProblem& d = p.layer(i);
    v.w.push_back(values(rng, d.K * d.C, plain));
    v.b.push_back(below(rng, 4) == 0 ? std::vector<float>() : values(rng, d.K, plain));
  }
  v.labels = random_labels(rng, p.N, int(p.classes()), p.two_labels);
  return v;
}

// The same on the device, with room for what the kernels write.
class OnDevice {
 public:
  OnDevice(const HeadProblem& p, const HeadValues& v, bool with_dx = true)
      : p_(p),
        x_(v.x, "x"),
        labels_(v.labels, "labels"),
        pooled_(p.pool ? size_t(p.N * p.layer(0).C) : 0, "pooled"),
        dx_(with_dx ? v.x.size() : 0, "dx"),
        loss_(1, "loss"),
        counts_(2, "counts"),
        sums_(head_workspace_bytes(p) / sizeof(float), "workspace"),
        counter_(std::vector<unsigned>(1), "counter") {
    t_.x = x_.data(), t_.labels = labels_.data(), t_.loss = loss_.data(), t_.counts = counts_.data();
    t_.pooled = p.pool ? pooled_.data() : nullptr, t_.dx = with_dx ? dx_.data() : nullptr;
    for (size_t i = 0; i < size_t(p.layers); ++i) {
      const DenseProblem& d = p.dense[i];
      t_.w[i] = keep(v.w[i], "w"), t_.b[i] = v.b[i].empty() ? nullptr : keep(v.b[i], "b");
      y_.push_back(std::make_unique<DeviceArray<float>>(size_t(d.N * d.K), "y"));
      dz_.push_back(std::make_unique<DeviceArray<float>>(size_t(d.N * d.K), "dz"));
      t_.y[i] = y_.back()->data(), t_.dz[i] = dz_.back()->data();
    }
  }

  void rows(float scale, HeadValues& v) {
    head_rows(p_, t_, scale, {sums_.data(), counter_.data()}, nullptr);
    EXPECT_EQ(counter_.values(), std::vector<unsigned>(1));
    v.pooled = pooled_.values(), v.dx = dx_.values(), v.loss = loss_.values(), v.counts = counts_.values();
    for (const auto& y : y_) v.y.push_back(y->values());
    for (const auto& dz : dz_) v.dz.push_back(dz->values());
  }

  // before: what dw and db hold; null: they are overwritten.
  void wgrad(HeadValues& v, const HeadValues* before) {
    std::vector<std::unique_ptr<DeviceArray<float>>> dw, db;
    for (size_t i = 0; i < size_t(p_.layers); ++i) {
      const DenseProblem& d = p_.dense[i];
      const auto gradient = [&](const std::vector<float>* held, int64_t count, const char* name) {
        return held ? std::make_unique<DeviceArray<float>>(*held, name)
                    : std::make_unique<DeviceArray<float>>(size_t(count), name);
      };
      dw.push_back(gradient(before ? &before->dw[i] : nullptr, d.K * d.C, "dw"));
      db.push_back(gradient(before ? &before->db[i] : nullptr, d.K, "db"));
      t_.dw[i] = dw.back()->data(), t_.db[i] = t_.b[i] ? db.back()->data() : nullptr;
    }
    head_wgrad(p_, t_, before != nullptr, nullptr);
    for (size_t i = 0; i < dw.size(); ++i) {
      v.dw.push_back(dw[i]->values());
      v.db.push_back(t_.b[i] ? db[i]->values() : std::vector<float>());
    }
  }

 private:
  const float* keep(const std::vector<float>& v, const char* name) {
    kept_.push_back(std::make_unique<DeviceArray<float>>(v, name));
    return kept_.back()->data();
  }

  HeadProblem p_;
  DeviceArray<float> x_;
  DeviceArray<int32_t> labels_;
  DeviceArray<float> pooled_, dx_, loss_;
  DeviceArray<int32_t> counts_;
  DeviceArray<float> sums_;
  DeviceArray<unsigned> counter_;
  std::vector<std::unique_ptr<DeviceArray<float>>> kept_, y_, dz_;
  HeadPointers t_;
};

void check_rows(const HeadProblem& p, const HeadValues& v, float scale, bool with_dx) {
  if (p.pool) expect_within(v.pooled, head_pooled(p, v), "pooled");
  for (size_t i = 0; i < v.y.size(); ++i) expect_within(v.y[i], head_y(p, v, i), "y");
  const ExpectedLoss loss = head_loss(p, v, scale);
  expect_within(v.loss, loss.loss, "loss");
  EXPECT_EQ(v.counts, loss.counts);
  expect_within(v.dz.back(), loss.dz, "dz of the logits");
  for (size_t i = 1; i < v.y.size(); ++i) expect_within(v.dz[i - 1], head_dz(p, v, i), "dz");
  if (with_dx) expect_within(v.dx, head_dx(p, v), "dx");
}

void check(Rng& rng, const HeadProblem& p, Data data, bool with_dx = true, bool accumulate = false) {
  SCOPED_TRACE(text_of(p));
  HeadValues v = random_inputs(rng, p, data), before;
  const float scale = 1.0f / float(p.N);
  OnDevice device(p, v, with_dx);
  device.rows(scale, v);
  check_rows(p, v, scale, with_dx);
  for (int i = 0; i < p.layers; ++i) {
    before.dw.push_back(values(rng, p.layer(i).K * p.layer(i).C, Data::real));
    before.db.push_back(values(rng, p.layer(i).K, Data::real));
  }
  device.wgrad(v, accumulate ? &before : nullptr);
  for (size_t i = 0; i < v.dw.size(); ++i) {
    expect_within(v.dw[i], head_dw(p, v, i, accumulate ? &before.dw[i] : nullptr), "dw");
    if (!v.db[i].empty())
      expect_within(v.db[i], head_db(p, v, i, accumulate ? &before.db[i] : nullptr), "db");
  }
}

TEST(HeadKernels, RandomProblems) {
  Rng rng(100 + seed_of_this_run());
  constexpr int kProblems = 90;
  for (int i = 0; i < kProblems; ++i)
    check(rng, random_problem(rng), i % 5 == 0 ? Data::special : Data::real, i % 4 != 0, i % 2 == 0);
  report_problems("head", kProblems);
}

// Widths around those of a block and a tile, more classes than a block has warps, taps that overlap and hang over.
TEST(HeadKernels, OddProblems) {
  Rng rng(7);
  for (HeadProblem p :
       {problem(1, {1, 1}), problem(5, {513, 3}), problem(3, {511, 65, 2}), problem(9, {17, 130}),
        problem(4, {600, 2}), problem(65, {33, 17, 5}), problem(130, {3, 2})})
    check(rng, p, Data::real);
  HeadProblem p = problem(6, {1, 20, 7});
  pool_before(p, {.H = 7, .W = 5, .C = 3, .R = 3, .S = 3, .pad = {1, 2, 2, 0}, .stride_h = 1, .stride_w = 2});
  check(rng, p, Data::real);
  pool_before(p, {.H = 16, .W = 16, .C = 2, .R = 16, .S = 16, .pad = {}, .stride_h = 16, .stride_w = 16});
  check(rng, p, Data::real);
}

// LeNet-5's, but for the batch.
TEST(HeadKernels, LeNet5) {
  Rng rng(8);
  HeadProblem p = problem(5, {400, 120, 84, 10});
  pool_before(p, {.H = 10, .W = 10, .C = 16, .pad = {}, .relu = true});
  check(rng, p, Data::real);
}

// Whole numbers: sums are exact in any order, so that an index that is off shows without any budget.
TEST(HeadKernels, WholeNumbersAreExact) {
  Rng rng(200 + seed_of_this_run());
  for (int i = 0; i < 20; ++i) {
    HeadProblem p = random_problem(rng);
    p.layers = std::min(p.layers, 2);  // beyond them float cannot count any more
    p.dense[size_t(p.layers - 1)].activation = {};
    SCOPED_TRACE(text_of(p));
    HeadValues v = random_inputs(rng, p, Data::integer);
    OnDevice device(p, v);
    device.rows(1.0f, v);
    for (size_t layer = 0; layer < v.y.size(); ++layer) {
      Expected want = head_y(p, v, layer);
      for (double& budget : want.budget) budget = 0;
      expect_within(v.y[layer], want, "y");
    }
  }
}

// A row has the same bits whatever is beside it, and a NaN stays in its row.
TEST(HeadKernels, RowsAreAlone) {
  Rng rng(9);
  HeadProblem p = problem(6, {1, 12, 3});
  pool_before(p, {.H = 4, .W = 4, .C = 2, .pad = {}});
  HeadValues all = random_inputs(rng, p, Data::real);
  for (size_t i = 0; i < 32; ++i) all.x[32 + i] = NAN;  // row 1
  all.labels = {0, 1, 2, 0, 1, 2};
  HeadValues one = all;
  OnDevice(p, all).rows(0.5f, all);
  EXPECT_TRUE(std::isnan(all.loss[0]));
  HeadProblem alone = p;
  alone.N = alone.pool->N = alone.dense[0].N = alone.dense[1].N = 1;
  one.x.erase(one.x.begin(), one.x.begin() + 4 * 32), one.x.resize(32);  // row 4
  one.labels = {1};
  OnDevice(alone, one).rows(0.5f, one);
  const auto row4 = [](const std::vector<float>& v, size_t width) {
    return std::vector<float>(v.begin() + long(4 * width), v.begin() + long(5 * width));
  };
  EXPECT_EQ(one.pooled, row4(all.pooled, 8));
  EXPECT_EQ(one.y[0], row4(all.y[0], 12));
  EXPECT_EQ(one.y[1], row4(all.y[1], 3));
  EXPECT_EQ(one.dz[0], row4(all.dz[0], 12));
  EXPECT_EQ(one.dx, row4(all.dx, 32));
}

TEST(HeadKernels, LabelsOutsideShowAsNaN) {
  const HeadProblem p = problem(2, {2, 3});
  HeadValues v;
  v.x = {1, 2, 3, 4}, v.w = {{1, 2, 3, 4, 5, 6}}, v.b = {{}}, v.labels = {1, 3};
  OnDevice(p, v).rows(1.0f, v);
  EXPECT_TRUE(std::isnan(v.loss[0]));
  for (size_t k = 0; k < 3; ++k) EXPECT_TRUE(std::isfinite(v.dz[0][k]) && std::isnan(v.dz[0][3 + k]));
  EXPECT_TRUE(std::isfinite(v.dx[0]) && std::isnan(v.dx[2]));
}

TEST(HeadKernels, SayWhatTheyDoNotTake) {
  EXPECT_EQ(head_refuses(problem(128, {400, 120, 84, 10})), nullptr);
  EXPECT_STREQ(head_refuses(problem(128, {219040, 2})), "more weights than the launches it saves are worth");
  EXPECT_STREQ(head_refuses(problem(1024, {400, 120, 84, 10})),
               "more rows than the launches it saves are worth");
  EXPECT_EQ(head_refuses(problem(128, {512, 64})), nullptr);  // for the one launch that it saves
  EXPECT_NE(head_refuses(problem(128, {512, 65})), nullptr);
  EXPECT_NE(head_refuses(problem(129, {512, 64})), nullptr);
  EXPECT_STREQ(head_refuses(problem(128, {3000, 2})), "its layers are too wide for shared memory");
  HeadProblem p = problem(2, {1, 2});
  pool_before(p, {.H = 17, .W = 17, .R = 17, .S = 17, .pad = {}});
  EXPECT_STREQ(head_refuses(p), "the pooling window has more than 256 taps");
  pool_before(p, {.H = 129, .W = 128, .R = 2, .S = 2, .pad = {}, .stride_h = 64, .stride_w = 64});
  EXPECT_STREQ(head_refuses(p), "more than 16384 elements to pool");
  EXPECT_THROW(head_rows(p, {}, 1, {}, nullptr), simt::Error);
  EXPECT_THROW(head_wgrad(p, {}, false, nullptr), simt::Error);
}

}  // namespace
}  // namespace gabor::kernels
