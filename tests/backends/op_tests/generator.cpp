#include "backends/op_tests/generator.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace gabor::op_tests {
namespace {

constexpr int64_t kChannels[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};
constexpr int64_t kEdges[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 67};

template <size_t n>
int64_t pick(Random& random, const int64_t (&list)[n]) {
  return list[random.below(n)];
}
int64_t between(Random& random, int64_t low, int64_t high) {
  return low + random.below(uint32_t(high - low + 1));
}
bool one_in(Random& random, uint32_t n) { return random.below(n) == 0; }

int64_t extent(Random& random) { return one_in(random, 2) ? pick(random, kEdges) : between(random, 1, 67); }

// Up to 2^20, as often between 2^k and 2^(k+1) as between any other powers.
double work_limit(Random& random) { return std::exp2(random.uniform(11, 20)); }

int64_t common_divisor(Random& random, int64_t a, int64_t b) {
  const int64_t both = std::gcd(a, b);
  std::vector<int64_t> divisors;
  for (int64_t d = 1; d <= both; d++)
    if (both % d == 0) divisors.push_back(d);
  return divisors[random.below(uint32_t(divisors.size()))];
}

// Halves whichever size is largest, batch first, until work() fits.
template <class Work>
void cut_down(double limit, Work&& work, std::initializer_list<int64_t*> sizes) {
  while (work() > limit) {
    int64_t* largest = *std::max_element(sizes.begin(), sizes.end(),
                                         [](const int64_t* a, const int64_t* b) { return *a < *b; });
    if (*largest == 1) return;
    *largest = (*largest + 1) / 2;
  }
}

}  // namespace

Conv2dProblem random_conv2d(Random& random) {
  Conv2dProblem p;
  do {
    p = {};
    p.N = between(random, 1, 33), p.H = extent(random), p.W = extent(random);
    p.C = pick(random, kChannels);
    p.K = one_in(random, 4) ? p.C * between(random, 1, 2) : pick(random, kChannels);
    p.R = between(random, 1, 7), p.S = one_in(random, 2) ? p.R : between(random, 1, 7);
    p.stride_h = one_in(random, 2) ? 1 : between(random, 1, 3);
    p.stride_w = one_in(random, 2) ? p.stride_h : between(random, 1, 3);
    if (one_in(random, 4)) p.dil_h = between(random, 1, 3), p.dil_w = between(random, 1, 3);
    if (!one_in(random, 3)) {
      p.pad.top = between(random, 0, p.R), p.pad.left = between(random, 0, p.S);
      const bool symmetric = one_in(random, 2);
      p.pad.bottom = symmetric ? p.pad.top : between(random, 0, p.R);
      p.pad.right = symmetric ? p.pad.left : between(random, 0, p.S);
    }
    if (one_in(random, 3)) p.groups = common_divisor(random, p.C, p.K);
    if (p.P() < 1 || p.Q() < 1) continue;
    // Tensors count too: drawing and comparing their elements takes as long as a few multiplications.
    const double limit = work_limit(random);
    cut_down(limit,
             [&] {
               const double tensors = double(p.N * p.H * p.W * p.C + p.K * p.R * p.S * (p.C / p.groups) +
                                             p.N * p.P() * p.Q() * p.K);
               return double(p.flops()) / 2 + 8 * tensors;
             },
             {&p.N, &p.H, &p.W});
    if (double(p.flops()) / 2 + 8.0 * double(p.w_shape().count()) > 4 * double(1 << 20)) continue;
  } while (p.P() < 1 || p.Q() < 1);
  p.check("random_conv2d");
  return p;
}

Pool2dProblem random_pool2d(Random& random) {
  Pool2dProblem p;
  do {
    p = {};
    p.kind = PoolKind(random.below(3));
    p.N = between(random, 1, 33), p.H = extent(random), p.W = extent(random), p.C = pick(random, kChannels);
    if (one_in(random, 8)) {  // global pooling
      p.H = between(random, 1, 20), p.W = between(random, 1, 20);
      p.R = p.H, p.S = p.W;
    } else if (!one_in(random, 3)) {
      p.R = between(random, 1, 7), p.S = one_in(random, 2) ? p.R : between(random, 1, 7);
    }
    p.stride_h = one_in(random, 2) ? 2 : between(random, 1, 3);
    p.stride_w = one_in(random, 2) ? p.stride_h : between(random, 1, 3);
    p.ceil = one_in(random, 3);
    p.relu = p.kind == PoolKind::max && one_in(random, 2);
    if (one_in(random, 2)) {
      p.pad.top = between(random, 0, p.R - 1), p.pad.left = between(random, 0, p.S - 1);
      p.pad.bottom = between(random, 0, p.R - 1), p.pad.right = between(random, 0, p.S - 1);
    }
    cut_down(
        work_limit(random) / 16, [&] { return double(p.N * p.H * p.W * p.C * (p.R * p.S > 9 ? 2 : 1)); },
        p.R == p.H && p.S == p.W ? std::initializer_list<int64_t*>{&p.N, &p.C}
                                 : std::initializer_list<int64_t*>{&p.N, &p.H, &p.W, &p.C});
  } while (p.P() < 1 || p.Q() < 1);
  p.check("random_pool2d");
  return p;
}

DenseProblem random_dense(Random& random) {
  DenseProblem p;
  p.N = between(random, 1, 33);
  p.C = one_in(random, 2) ? pick(random, kChannels) : between(random, 1, 1500);
  p.K = one_in(random, 2) ? pick(random, kChannels) : between(random, 1, 20);
  cut_down(work_limit(random), [&] { return double(p.N * p.C * p.K); }, {&p.N, &p.C, &p.K});
  return p;
}

HeadProblem random_head(Random& random) {
  HeadProblem p;
  p.N = between(random, 1, 33), p.layers = int(between(random, 1, HeadProblem::kMostLayers));
  int64_t inputs = one_in(random, 2) ? pick(random, kChannels) : between(random, 1, 600);
  if (one_in(random, 2)) {
    Pool2dProblem pool;
    do {
      pool = random_pool2d(random);
      inputs = pool.y_shape().drop_first().count();
    } while (inputs > 600);
    pool.kind = PoolKind::max;
    p.N = pool.N, p.pool = pool;
  }
  for (int i = 0; i < p.layers; i++) {
    DenseProblem& d = p.dense[size_t(i)];
    d.N = p.N, d.C = inputs;
    d.K = one_in(random, 2) ? pick(random, kChannels) : between(random, 1, 20);
    cut_down(work_limit(random) / 4, [&] { return double(d.N * d.C * d.K); }, {&d.K});
    if (i + 1 < p.layers && !one_in(random, 4)) d.activation.kind = ActivationKind::relu;
    inputs = d.K;
  }
  if (one_in(random, 3)) p.label_smoothing = random.uniform(0.01f, 0.3f);
  p.two_labels = one_in(random, 2);
  return p;
}

BatchNormProblem random_batchnorm(Random& random) {
  BatchNormProblem p;
  p.C = one_in(random, 8) ? between(random, 130, 700) : pick(random, kChannels);
  p.rows = between(random, 1, 33);
  if (!one_in(random, 3)) p.rows *= extent(random);
  if (one_in(random, 3)) p.rows *= between(random, 1, 67);
  cut_down(work_limit(random) / 16, [&] { return double(p.rows * p.C); }, {&p.rows});
  constexpr float epsilons[] = {1e-5f, 1e-5f, 1e-3f, 0.1f}, momenta[] = {0.1f, 0.1f, 0.01f, 0.5f, 0, 1};
  p.epsilon = epsilons[random.below(std::size(epsilons))];
  p.momentum = momenta[random.below(std::size(momenta))];
  if (one_in(random, 3)) p.activation.kind = ActivationKind::relu;
  p.check("random_batchnorm");
  return p;
}

FirstBlockProblem random_first_block(Random& random) {
  FirstBlockProblem p;
  const bool usual = !one_in(random, 3);
  Conv2dProblem& conv = p.conv;
  do {
    conv = {};
    conv.N = between(random, 1, 9), conv.H = between(random, 4, 67), conv.W = between(random, 4, 67);
    conv.C = one_in(random, 2) ? 3 : between(random, 1, 4);
    conv.K = one_in(random, 2) ? between(random, 1, 40) : pick(random, kChannels);
    conv.R = usual ? 2 * int64_t(random.below(4)) + 1 : between(random, 1, 7);
    conv.S = usual || one_in(random, 2) ? conv.R : between(random, 1, 7);
    if (!usual) conv.stride_h = between(random, 1, 2), conv.stride_w = between(random, 1, 2);
    if (one_in(random, 2)) {
      conv.pad.top = between(random, 0, conv.R - 1), conv.pad.bottom = between(random, 0, conv.R - 1);
      conv.pad.left = between(random, 0, conv.S - 1), conv.pad.right = between(random, 0, conv.S - 1);
    }
    conv.activation.kind = ActivationKind::relu;
    cut_down(work_limit(random) / 2, [&] { return double(conv.flops()) / 2; }, {&conv.N, &conv.H, &conv.W});
    p.pool = {};
    p.pool.N = conv.N, p.pool.H = conv.P(), p.pool.W = conv.Q(), p.pool.C = conv.K;
    if (!usual) p.pool.R = between(random, 1, 3), p.pool.S = between(random, 1, 3);
    if (!usual) p.pool.stride_h = between(random, 1, 3), p.pool.stride_w = between(random, 1, 3);
    p.pool.ceil = one_in(random, 8);
  } while (conv.P() < 1 || conv.Q() < 1 || p.pool.P() < 1 || p.pool.Q() < 1);
  p.input = one_in(random, 3) ? DType::f32 : DType::u8;
  return p;
}

Activation random_activation(Random& random) {
  Activation a;
  parse_activation(name_of(ActivationKind(random.below(8))), a);
  a.alpha *= random.uniform(0.5f, 1.5f);
  return a;
}

const char* name_of(Data data) {
  return data == Data::real ? "real" : data == Data::integer ? "integer" : "special";
}

std::vector<float> random_values(Random& random, int64_t count, Data data, DType type) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values)
    v = data == Data::integer ? float(int(random.below(5)) - 2) : random.uniform(-1.0f, 1.0f);
  constexpr float inf = std::numeric_limits<float>::infinity();
  const float huge = type == DType::f16 ? 6e4f : 1e38f, denormal = type == DType::f16    ? 3e-7f
                                                                   : type == DType::bf16 ? 0x1p-130f
                                                                                         : 1e-41f;
  const float specials[] = {std::numeric_limits<float>::quiet_NaN(), inf, -inf, huge, -huge, denormal, -0.0f};
  if (data == Data::special && count > 0)
    for (int i = 0; i < 3; i++)
      values[random.below(uint32_t(count))] = specials[random.below(std::size(specials))];
  return values;
}

int random_skew(Trial& trial) {
  constexpr int skews[] = {0, 0, 0, 0, 0, 1, 2, 15};
  return skews[trial.below(std::size(skews))] * trial.alignment;
}

std::vector<TaggedConv2d> read_conv2d_list(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail(ErrorCode::data, path, "cannot be read");
  std::vector<TaggedConv2d> list;
  for (std::string line; std::getline(file, line);) {
    line = line.substr(0, line.find('#'));
    const size_t tag_end = line.find(' ');
    if (tag_end == std::string::npos) continue;
    list.push_back({line.substr(0, tag_end), parse_conv2d(line.substr(tag_end))});
  }
  return list;
}

}  // namespace gabor::op_tests
