// The kernels of kernels/batchnorm against the oracle: random shapes, all passes, both rungs, all storage types. Each
// flavour and thread order draws shapes of its own, so that the six runs of a test together see six times as many.
#include <memory>

#include "kernels/batchnorm/oracle.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using simt::DeviceArray;

constexpr BatchnormRung kRungs[] = {BatchnormRung::naive, BatchnormRung::tiled};
constexpr int64_t kChannels[] = {1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 31, 33, 36, 65, 128, 132};

struct Case {
  BatchnormProblem p;
  float momentum = 0.1f;
  bool relu = false;
  int64_t slices = 1;
  size_t shift = 0;  // elements by which x is off the alignment of its memory
  std::vector<float> x, dy, gamma, beta, mean, var;
  size_t at(int64_t row, int64_t c) const { return size_t(row * p.C + c); }
  std::vector<double> channel(const std::vector<double>& of, int64_t c) const {
    std::vector<double> v;
    for (int64_t row = 0; row < p.rows; ++row) v.push_back(of[at(row, c)]);
    return v;
  }
};

std::vector<float> uniforms(Rng& rng, int64_t count, float low, float high) {
  std::vector<float> v;
  for (int64_t i = 0; i < count; ++i) v.push_back(uniform(rng, low, high));
  return v;
}

Case random_case(Rng& rng, int64_t rows, int64_t C) {
  Case c;
  c.p = {rows, C, below(rng, 2) == 0 ? 1e-3f : 1e-5f};
  c.momentum = uniform(rng, 0, 1);
  c.relu = below(rng, 2) == 0;
  c.slices = between(rng, 1, 5);
  c.shift = size_t(below(rng, 4) == 0);
  c.x = uniforms(rng, rows * C, -2, 2);
  const float offset = below(rng, 3) == 0 ? uniform(rng, -300, 300) : 0.0f;  // a mean far from 0
  for (float& v : c.x) v += offset;
  c.mean = uniforms(rng, C, offset - 1, offset + 1);
  c.dy = uniforms(rng, rows * C, -2, 2);
  c.gamma = uniforms(rng, C, -2, 2);
  c.beta = uniforms(rng, C, -2, 2);
  c.var = uniforms(rng, C, 0.1f, 3);
  return c;
}

Case random_case(Rng& rng) {
  const int64_t rows = below(rng, 12) == 0 ? between(rng, 100, 400) : between(rng, 1, 40);
  Case c = random_case(rng, rows, kChannels[below(rng, 16)]);
  if (below(rng, 10) == 0) c.x[rng() % c.x.size()] = NAN;
  return c;
}

std::string text_of(const Case& c, BatchnormRung rung) {
  return "rung " + std::to_string(int(rung)) + " rows=" + std::to_string(c.p.rows) +
         " C=" + std::to_string(c.p.C) + " slices=" + std::to_string(c.slices) +
         " relu=" + std::to_string(c.relu) + " shift=" + std::to_string(c.shift);
}

template <class Element>
struct Input {
  Input(const Case& c, const std::vector<float>& v, const char* name)
      : shift(c.shift), array(shifted(c, v), name) {}
  static std::vector<Element> shifted(const Case& c, std::vector<float> v) {
    v.insert(v.begin(), c.shift, 0.0f);
    return stored<Element>(v);
  }
  const Element* data() { return array.data() + shift; }
  size_t shift;
  DeviceArray<Element> array;
};

struct Workspace {
  explicit Workspace(const Case& c)
      : memory(batchnorm_workspace_bytes(c.p.rows, c.p.C, c.slices), "workspace"), slices(c.slices) {}
  BatchnormWorkspace get() { return {memory.data(), slices}; }
  DeviceArray<unsigned char> memory;
  int64_t slices;
};

template <class Element>
struct Trained {
  std::vector<Element> y;
  std::vector<float> mean, rstd, running_mean, running_var;
  bool operator==(const Trained&) const = default;
};

template <class Element>
Trained<Element> train(const Case& c, BatchnormRung rung) {
  Input<Element> x(c, c.x, "x");
  DeviceArray<float> gamma(c.gamma, "gamma"), beta(c.beta, "beta"), mean(c.mean.size(), "mean"),
      rstd(c.mean.size(), "rstd"), running_mean(c.mean, "running_mean"), running_var(c.var, "running_var");
  DeviceArray<Element> y(c.x.size(), "y");
  Workspace workspace(c);
  batchnorm_forward_training(c.p, kStorageOf<Element>,
                             {.momentum = c.momentum,
                              .relu = c.relu,
                              .x = x.data(),
                              .gamma = gamma.data(),
                              .beta = beta.data(),
                              .y = y.data(),
                              .mean = mean.data(),
                              .rstd = rstd.data(),
                              .running_mean = running_mean.data(),
                              .running_var = running_var.data()},
                             workspace.get(), nullptr, rung);
  return {y.values(), mean.values(), rstd.values(), running_mean.values(), running_var.values()};
}

template <class Element>
void check_training(const Case& c, BatchnormRung rung) {
  SCOPED_TRACE("training " + text_of(c, rung));
  const std::vector<double> x = widened(stored<Element>(c.x));
  const double epsilon = c.p.epsilon, share = c.momentum;
  Expected y, mean, rstd, running_mean, running_var;
  std::vector<ChannelStatistics> channels;
  for (int64_t i = 0; i < c.p.C; ++i) {
    const ChannelStatistics s = channels.emplace_back(c.channel(x, i), int(c.slices));
    mean.add(s.mean, s.mean_error);
    rstd.add(s.rstd(epsilon), s.rstd_error(epsilon));
    const double old_mean = c.mean[size_t(i)], old_var = c.var[size_t(i)];
    running_mean.add((1 - share) * old_mean + share * s.mean,
                     s.mean_error + gamma(5) * (std::fabs(old_mean) + std::fabs(s.mean)));
    const double var = s.var * s.unbiased, moved = (1 - share) * old_var + share * var;
    running_var.add(c.p.rows > 1 ? moved : old_var, s.var_error * s.unbiased + gamma(6) * (old_var + var));
  }
  for (int64_t i = 0; i < c.p.rows * c.p.C; ++i) {
    const ChannelStatistics& s = channels[size_t(i % c.p.C)];
    add_mapped<Element>(y, x[size_t(i)], s.mean, s.mean_error, s.rstd(epsilon), s.rstd_error(epsilon),
                        c.gamma[size_t(i % c.p.C)], c.beta[size_t(i % c.p.C)], c.relu);
  }
  const Trained<Element> got = train<Element>(c, rung);
  expect_within(got.mean, mean, "mean");
  expect_within(got.rstd, rstd, "rstd");
  expect_within(got.running_mean, running_mean, "running_mean");
  expect_within(got.running_var, running_var, "running_var");
  expect_within(got.y, y, "y");
}

template <class Element>
void check_inference(const Case& c, BatchnormRung rung) {
  SCOPED_TRACE("inference " + text_of(c, rung));
  const std::vector<double> x = widened(stored<Element>(c.x));
  Expected want;
  for (int64_t i = 0; i < c.p.rows * c.p.C; ++i) {
    const size_t at = size_t(i % c.p.C);
    const double rstd = 1 / std::sqrt(double(c.var[at]) + double(c.p.epsilon));
    add_mapped<Element>(want, x[size_t(i)], c.mean[at], 0, rstd, gamma(4) * rstd, c.gamma[at], c.beta[at],
                        c.relu);
  }
  Input<Element> x_in(c, c.x, "x");
  DeviceArray<float> weight(c.gamma, "gamma"), beta(c.beta, "beta"), mean(c.mean, "mean"), var(c.var, "var");
  DeviceArray<Element> y(c.x.size(), "y");
  batchnorm_forward_inference(c.p, kStorageOf<Element>,
                              {.relu = c.relu,
                               .x = x_in.data(),
                               .gamma = weight.data(),
                               .beta = beta.data(),
                               .running_mean = mean.data(),
                               .running_var = var.data(),
                               .y = y.data()},
                              nullptr, rung);
  expect_within(y.values(), want, "y");
}

template <class Element>
struct Gradients {
  std::vector<Element> dx;
  std::vector<float> dgamma, dbeta;
  bool operator==(const Gradients&) const = default;
};

struct Old {  // what the outputs of the backward hold: read only when it is added to
  bool accumulate_dx = false, accumulate_parameters = false;
  std::vector<float> dx, dgamma, dbeta;
};

// rstd of the backward: c.var serves as it is.
template <class Element>
Gradients<Element> backward(const Case& c, BatchnormRung rung, const Old& old, bool with_dx = true) {
  const auto output = [](bool keep, const auto& v, const char* name) {
    using T = typename std::decay_t<decltype(v)>::value_type;
    return keep ? std::make_unique<DeviceArray<T>>(v, name)
                : std::make_unique<DeviceArray<T>>(v.size(), name);
  };
  Input<Element> x(c, c.x, "x");
  DeviceArray<Element> dy(stored<Element>(c.dy), "dy");
  DeviceArray<float> weight(c.gamma, "gamma"), mean(c.mean, "mean"), rstd(c.var, "rstd");
  const auto dx = output(old.accumulate_dx, stored<Element>(old.dx), "dx");
  const auto dgamma = output(old.accumulate_parameters, old.dgamma, "dgamma");
  const auto dbeta = output(old.accumulate_parameters, old.dbeta, "dbeta");
  Workspace workspace(c);
  batchnorm_backward(c.p, kStorageOf<Element>,
                     {.x = x.data(),
                      .dy = dy.data(),
                      .gamma = weight.data(),
                      .mean = mean.data(),
                      .rstd = rstd.data(),
                      .dx = with_dx ? dx->data() : nullptr,
                      .dgamma = dgamma->data(),
                      .dbeta = dbeta->data(),
                      .accumulate_dx = old.accumulate_dx,
                      .accumulate_parameters = old.accumulate_parameters},
                     workspace.get(), nullptr, rung);
  return {with_dx ? dx->values() : std::vector<Element>(), dgamma->values(), dbeta->values()};
}

template <class Element>
void check_backward(const Case& c, BatchnormRung rung, Rng& rng) {
  Old old{below(rng, 2) == 0, below(rng, 2) == 0, uniforms(rng, c.p.rows * c.p.C, -2, 2),
          uniforms(rng, c.p.C, -2, 2), uniforms(rng, c.p.C, -2, 2)};
  const bool with_dx = below(rng, 8) != 0;
  SCOPED_TRACE("backward " + text_of(c, rung));
  const std::vector<double> x = widened(stored<Element>(c.x)), dy = widened(stored<Element>(c.dy)),
                            old_dx = widened(stored<Element>(old.dx));
  const double n = double(c.p.rows);
  Expected dx, dgamma, dbeta;
  dx.value.resize(x.size()), dx.budget.resize(x.size());
  for (int64_t i = 0; i < c.p.C; ++i) {
    const double mean = c.mean[size_t(i)], rstd = c.var[size_t(i)], scale = double(c.gamma[size_t(i)]) * rstd;
    const auto xhat = [&](size_t at) { return (x[at] - mean) * rstd; };
    double dg = 0, db = 0, dg_magnitude = 0, db_magnitude = 0;
    for (int64_t row = 0; row < c.p.rows; ++row) {
      const size_t at = c.at(row, i);
      db += dy[at], db_magnitude += std::fabs(dy[at]);
      dg += dy[at] * xhat(at), dg_magnitude += std::fabs(dy[at] * xhat(at));
    }
    add_sum(dgamma, old.accumulate_parameters ? double(old.dgamma[size_t(i)]) : 0, dg, n, dg_magnitude);
    add_sum(dbeta, old.accumulate_parameters ? double(old.dbeta[size_t(i)]) : 0, db, n, db_magnitude);
    const double dg_error = gamma(n + 6) * dg_magnitude / n, db_error = gamma(n + 6) * db_magnitude / n;
    for (int64_t row = 0; row < c.p.rows; ++row) {
      const size_t at = c.at(row, i);
      const double before = old.accumulate_dx ? old_dx[at] : 0;
      const double size = std::fabs(dy[at]) + std::fabs(db / n) + std::fabs(xhat(at) * dg / n);
      const double budget =
          std::fabs(scale) * (gamma(9) * size + 2 * db_error + 2 * std::fabs(xhat(at)) * dg_error) +
          gamma(2) * std::fabs(before) + FLT_MIN;
      dx.value[at] = before + scale * (dy[at] - db / n - xhat(at) * dg / n);
      dx.budget[at] = budget + storage_error<Element>(std::fabs(dx.value[at]) + budget);
    }
  }
  const Gradients<Element> got = backward<Element>(c, rung, old, with_dx);
  expect_within(got.dgamma, dgamma, "dgamma");
  expect_within(got.dbeta, dbeta, "dbeta");
  if (with_dx) expect_within(got.dx, dx, "dx");
}

constexpr int kShapes = 150, kShapesInHalves = 90;

const char* name_of(BatchnormRung rung) { return rung == BatchnormRung::naive ? "naive" : "tiled"; }

// Each shape went through all three passes.
void report(BatchnormRung rung, const std::string& storage, int shapes) {
  for (const char* pass : {" training ", " inference ", " backward "})
    report_problems(std::string("batchnorm ") + name_of(rung) + pass + storage, shapes);
}

class BatchnormKernels : public testing::TestWithParam<BatchnormRung> {};

TEST_P(BatchnormKernels, RandomShapes) {
  Rng rng(1 + seed_of_this_run());
  for (int i = 0; i < kShapes && !HasFailure(); ++i) {
    const Case c = random_case(rng);
    check_training<float>(c, GetParam());
    check_inference<float>(c, GetParam());
    check_backward<float>(c, GetParam(), rng);
  }
  report(GetParam(), "f32", kShapes);
}

TEST_P(BatchnormKernels, StorageInHalves) {
  Rng rng(1000 + seed_of_this_run());
  const auto check = [&]<class Element>(const Case& c, Element) {
    check_training<Element>(c, GetParam());
    check_inference<Element>(c, GetParam());
    check_backward<Element>(c, GetParam(), rng);
  };
  for (int i = 0; i < kShapesInHalves && !HasFailure(); ++i) {
    check(random_case(rng), simt::half{});
    check(random_case(rng), simt::bfloat16{});
  }
  report(GetParam(), "f16", kShapesInHalves);
  report(GetParam(), "bf16", kShapesInHalves);
}

// Whole numbers far from 0, for which every mean and square below is exact, if the mean is taken off before squaring.
TEST_P(BatchnormKernels, WholeNumbersAreExact) {
  Rng rng(2000 + seed_of_this_run());
  for (const int64_t C : {32, 128, 3}) {
    Case c = random_case(rng, 128, C);
    c.p.epsilon = 0.25f, c.momentum = 1, c.slices = 4, c.shift = 0;
    // 3 channels leave a number of lanes that is no power of two: equal rows within them then
    for (size_t i = 0; i < c.x.size(); ++i)
      c.x[i] = 16384.0f + float(C == 3 ? i % 3 : unsigned(below(rng, 4)));
    const Trained<float> got = train<float>(c, GetParam());
    for (int64_t i = 0; i < C; ++i) {
      double mean = 0, m2 = 0;
      for (int64_t row = 0; row < 128; ++row) mean += double(c.x[c.at(row, i)]) / 128;
      for (int64_t row = 0; row < 128; ++row)
        m2 += (double(c.x[c.at(row, i)]) - mean) * (double(c.x[c.at(row, i)]) - mean);
      EXPECT_EQ(got.mean[size_t(i)], float(mean));
      EXPECT_EQ(got.running_mean[size_t(i)], float(mean));
      EXPECT_EQ(got.running_var[size_t(i)], float(m2 / 127));
    }
  }
}

TEST_P(BatchnormKernels, WholeGradientsAreExact) {
  Rng rng(3000 + seed_of_this_run());
  for (const int64_t C : {6, 20}) {
    Case c = random_case(rng, 64, C);
    Old old{true, true, {}, {}, {}};
    for (int64_t i = 0; i < 64 * C; ++i) {
      c.x[size_t(i)] = float(between(rng, -4, 4)), c.dy[size_t(i)] = float(between(rng, -4, 4));
      old.dx.push_back(float(between(rng, -9, 9)));
    }
    for (int64_t i = 0; i < C; ++i) {
      c.mean[size_t(i)] = float(between(rng, -2, 2)), c.var[size_t(i)] = 0.5f;
      c.gamma[size_t(i)] = float(between(rng, 1, 3));
      old.dgamma.push_back(float(between(rng, -9, 9))), old.dbeta.push_back(float(between(rng, -9, 9)));
    }
    const Gradients<float> got = backward<float>(c, GetParam(), old);
    for (int64_t i = 0; i < C; ++i) {
      const size_t k = size_t(i);
      double dg = 0, db = 0;
      const auto xhat = [&](int64_t row) { return (double(c.x[c.at(row, i)]) - double(c.mean[k])) / 2; };
      for (int64_t row = 0; row < 64; ++row)
        db += double(c.dy[c.at(row, i)]), dg += double(c.dy[c.at(row, i)]) * xhat(row);
      EXPECT_EQ(got.dgamma[k], old.dgamma[k] + float(dg));
      EXPECT_EQ(got.dbeta[k], old.dbeta[k] + float(db));
      for (int64_t row = 0; row < 64; ++row) {
        const size_t at = c.at(row, i);
        const double gradient = double(c.gamma[k]) / 2 * (double(c.dy[at]) - db / 64 - xhat(row) * dg / 64);
        EXPECT_EQ(got.dx[at], old.dx[at] + float(gradient));
      }
    }
  }
}

// Constant channels far from 0 and of any size: variance 0, so y is beta.
TEST_P(BatchnormKernels, ConstantChannels) {
  Rng rng(4);
  Case c = random_case(rng, 77, 4);
  c.p.epsilon = 1e-3f, c.relu = false;
  constexpr float kValues[] = {1e30f, -12345.678f, 1e-30f, 0.1f};
  for (size_t i = 0; i < c.x.size(); ++i) c.x[i] = kValues[i % 4];
  const Trained<float> got = train<float>(c, GetParam());
  const bool exact = GetParam() == BatchnormRung::tiled;  // fours of these numbers have exact means
  for (size_t i = 0; exact && i < c.x.size(); ++i) EXPECT_EQ(got.y[i], c.beta[i % 4]) << i;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(got.mean[i], kValues[i], std::fabs(double(kValues[i])) * gamma(80));
  }
}

TEST_P(BatchnormKernels, OneRow) {
  Rng rng(5);
  Case c = random_case(rng, 1, 7);
  c.relu = false;
  const Trained<float> got = train<float>(c, GetParam());
  EXPECT_EQ(got.y, c.beta);
  EXPECT_EQ(got.running_var, c.var) << "there is no unbiased variance of one number";
}

TEST_P(BatchnormKernels, NanStaysInItsChannel) {
  Rng rng(6);
  for (const bool relu : {false, true}) {
    Case c = random_case(rng, 50, 8);
    c.relu = relu, c.x[c.at(31, 3)] = NAN;
    const Trained<float> got = train<float>(c, GetParam());
    for (size_t i = 0; i < c.x.size(); ++i) EXPECT_EQ(std::isnan(got.y[i]), i % 8 == 3) << i;
    for (size_t i = 0; i < 8; ++i) EXPECT_EQ(std::isnan(got.running_var[i]), i == 3) << i;
  }
}

TEST_P(BatchnormKernels, SameBitsTwice) {
  Rng rng(7);
  const Case c = random_case(rng, 300, 10);
  EXPECT_EQ(train<float>(c, GetParam()), train<float>(c, GetParam()));
  const Old old{false, false, c.x, c.gamma, c.beta};
  EXPECT_EQ(backward<float>(c, GetParam(), old), backward<float>(c, GetParam(), old));
}

TEST_P(BatchnormKernels, InPlace) {
  Rng rng(8);
  Case c = random_case(rng, 40, 12);
  c.shift = 0;
  const std::vector<float> want = train<float>(c, GetParam()).y;
  DeviceArray<float> x(c.x, "x"), gamma(c.gamma, "gamma"), beta(c.beta, "beta"), mean(12, "mean"),
      rstd(12, "rstd");
  Workspace workspace(c);
  batchnorm_forward_training(c.p, Storage::f32,
                             {.relu = c.relu,
                              .x = x.data(),
                              .gamma = gamma.data(),
                              .beta = beta.data(),
                              .y = x.data(),
                              .mean = mean.data(),
                              .rstd = rstd.data()},
                             workspace.get(), nullptr, GetParam());
  EXPECT_EQ(x.values(), want);

  const Gradients<float> apart = backward<float>(c, GetParam(), {false, false, c.x, c.gamma, c.beta});
  DeviceArray<float> x_again(c.x, "x"), dy(c.dy, "dy"), means(c.mean, "mean"), rstds(c.var, "rstd"),
      dgamma(12, "dgamma"), dbeta(12, "dbeta");
  batchnorm_backward(c.p, Storage::f32,
                     {.x = x_again.data(),
                      .dy = dy.data(),
                      .gamma = gamma.data(),
                      .mean = means.data(),
                      .rstd = rstds.data(),
                      .dx = dy.data(),
                      .dgamma = dgamma.data(),
                      .dbeta = dbeta.data()},
                     workspace.get(), nullptr, GetParam());
  EXPECT_EQ(dy.values(), apart.dx);
  EXPECT_EQ(dgamma.values(), apart.dgamma);
}

INSTANTIATE_TEST_SUITE_P(Rungs, BatchnormKernels, testing::ValuesIn(kRungs),
                         [](const auto& rung) { return name_of(rung.param); });

TEST(BatchnormSlices, FillTheDevice) {
  EXPECT_EQ(batchnorm_slices(1, 6, 132), 1);
  EXPECT_EQ(batchnorm_slices(128 * 64 * 64, 64, 132), 4 * 132);
  EXPECT_EQ(batchnorm_slices(128 * 64 * 64, 512, 132), 132);  // 4 tiles of channels
  EXPECT_EQ(batchnorm_slices(100, 64, 132), 2);               // 64 rows a block at once
  EXPECT_LE(batchnorm_slices(int64_t{1} << 31, 1, 100000), 65535);
  EXPECT_EQ(batchnorm_workspace_bytes(100, 6, 3), size_t(4 * 2 * 6 * 4));
  EXPECT_THROW(batchnorm_forward_inference({int64_t{1} << 31, 1}, Storage::f32, {}, nullptr), simt::Error);
}

}  // namespace
}  // namespace gabor::kernels
