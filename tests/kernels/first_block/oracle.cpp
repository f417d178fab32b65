#include "kernels/first_block/oracle.h"

namespace gabor::kernel_tests {
namespace {

using gabor::sum_budget;
using kernels::Storage;

float rounded(float v, Storage storage) {
  if (storage == Storage::f16) return simt::to_float(simt::from_float<simt::half>(v));
  if (storage == Storage::bf16) return simt::to_float(simt::from_float<simt::bfloat16>(v));
  return v;
}

std::vector<float> values(Rng& rng, int64_t count, Storage storage, Data data) {
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(data == Data::integer ? float(between(rng, -3, 3)) : rounded(uniform(rng, -1, 1), storage));
  return out;
}

// A pixel as the convolution sees it, and the magnitude of the terms it is the sum of; 0 in the padding.
struct Pixel {
  double value = 0, magnitude = 0;
};
Pixel pixel_of(const FirstBlockCase& c, int64_t n, int64_t h, int64_t v, int64_t channel) {
  const Conv2dProblem& conv = c.p.conv;
  if (h < 0 || h >= conv.H || v < 0 || v >= conv.W) return {};
  const size_t at = size_t(((n * conv.H + h) * conv.W + v) * conv.C + channel);
  if (c.p.input == DType::f32) return {c.floats[at], std::fabs(c.floats[at])};
  const double scaled = c.bytes[at] * double(c.p.normalize.scale[size_t(channel)]);
  const double shift = c.p.normalize.shift[size_t(channel)];
  return {scaled + shift, std::fabs(scaled) + std::fabs(shift)};
}

// Calls visit(tap, pixel) for the taps r,s,c of the convolution's window at row, column of the full-size map.
template <class Visit>
void for_taps(const FirstBlockCase& c, int64_t n, int64_t row, int64_t column, Visit visit) {
  const Conv2dProblem& conv = c.p.conv;
  for (int64_t r = 0; r < conv.R; ++r)
    for (int64_t s = 0; s < conv.S; ++s)
      for (int64_t channel = 0; channel < conv.C; ++channel)
        visit(size_t((r * conv.S + s) * conv.C + channel),
              pixel_of(c, n, row * conv.stride_h - conv.pad.top + r * conv.dil_h,
                       column * conv.stride_w - conv.pad.left + s * conv.dil_w, channel));
}

// Calls visit(at, n, p, q, k) for each pooled output.
template <class Visit>
void for_outputs(const FirstBlockProblem& problem, Visit visit) {
  size_t at = 0;
  for (int64_t n = 0; n < problem.conv.N; ++n)
    for (int64_t p = 0; p < problem.pool.P(); ++p)
      for (int64_t q = 0; q < problem.pool.Q(); ++q)
        for (int64_t k = 0; k < problem.conv.K; ++k) visit(at++, n, p, q, k);
}

bool in_map(const FirstBlockProblem& problem, int64_t p, int64_t q, int place) {
  return 2 * p + place / 2 < problem.conv.P() && 2 * q + place % 2 < problem.conv.Q();
}

// The place whose value is largest: the first of equals, a NaN before all.
int first_largest(const WindowValues& w) {
  int best = 0;
  for (int place = 1; place < 4; ++place) {
    const double v = w.value[place], largest = w.value[best];
    if (w.inside[place] && (v > largest || (std::isnan(v) && !std::isnan(largest)))) best = place;
  }
  return best;
}

}  // namespace

FirstBlockProblem random_first_block(Rng& rng, const FirstBlockSizes& sizes) {
  constexpr int kFilters[] = {1, 2, 3, 6, 7, 8, 9, 10, 11, 16, 17, 20};
  for (;;) {
    FirstBlockProblem p;
    Conv2dProblem& c = p.conv;
    c.N = between(rng, 1, 3), c.C = between(rng, 1, 4), c.K = kFilters[below(rng, 12)];
    const int most = below(rng, 6) == 0 ? 7 : 5;
    c.R = between(rng, 1, most), c.S = between(rng, 1, most);
    c.pad = {below(rng, int(c.R)), below(rng, int(c.R)), below(rng, int(c.S)), below(rng, int(c.S))};
    if (sizes.any_convolution) {
      c.stride_h = between(rng, 1, 2), c.stride_w = between(rng, 1, 2);
      c.dil_h = between(rng, 1, 2), c.dil_w = between(rng, 1, 2);
    }
    const int64_t rows = between(rng, 1, 8),
                  columns = sizes.wide ? between(rng, 33, 70) : between(rng, 1, 11);
    c.H = (rows - 1) * c.stride_h + (c.R - 1) * c.dil_h + 1 - c.pad.top - c.pad.bottom + below(rng, 2);
    c.W = (columns - 1) * c.stride_w + (c.S - 1) * c.dil_w + 1 - c.pad.left - c.pad.right;
    c.activation.kind = ActivationKind::relu;
    p.pool.N = c.N, p.pool.H = c.P(), p.pool.W = c.Q(), p.pool.C = c.K;
    p.pool.ceil = below(rng, 2) == 0;
    p.input = below(rng, 3) == 0 ? DType::f32 : DType::u8;
    if (c.H < 1 || c.W < 1 || p.pool.P() < 1 || p.pool.Q() < 1 || c.flops() > 250000) continue;
    return p;
  }
}

FirstBlockCase random_case(Rng& rng, FirstBlockProblem p, Storage storage, Data data) {
  if (data == Data::special) p.input = DType::f32;
  const bool given = p.normalize != Normalize{};
  for (size_t i = 0; i < 4 && !given; ++i) {
    p.normalize.scale[i] = data == Data::integer ? float(between(rng, 1, 2)) : uniform(rng, 0.004f, 0.02f);
    p.normalize.shift[i] = data == Data::integer ? float(between(rng, -4, 0)) : uniform(rng, -2, 1);
  }
  FirstBlockCase c;
  c.p = p, c.storage = storage, c.data = data, c.biased = below(rng, 4) != 0;
  const int64_t weights = p.conv.K * p.conv.reduction(), pixels = p.conv.N * p.conv.H * p.conv.W * p.conv.C;
  if (p.input == DType::u8) {
    for (int64_t i = 0; i < pixels; ++i)
      c.bytes.push_back(uint8_t(below(rng, data == Data::integer ? 4 : 256)));
  } else {
    c.floats = values(rng, pixels, Storage::f32, data);
    constexpr float kSpecial[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e-42f, 1e30f};
    if (data == Data::special)
      for (float& v : c.floats)
        if (below(rng, 12) == 0) v = kSpecial[below(rng, 6)];
  }
  c.w = values(rng, weights, storage, data), c.b = values(rng, p.conv.K, Storage::f32, data);
  c.dy = values(rng, pooled_count(p), storage, data);
  c.old_dw = values(rng, weights, Storage::f32, data), c.old_db = values(rng, p.conv.K, Storage::f32, data);
  for_outputs(p, [&](size_t at, int64_t, int64_t i, int64_t j, int64_t) {
    int place = below(rng, 4);
    while (!in_map(p, i, j, place)) place = below(rng, 4);
    c.winners.push_back(below(rng, 3) == 0 ? -1 : place);
    if (c.winners[at] < 0 && data == Data::special) c.dy[at] = NAN;  // goes nowhere
  });
  return c;
}

std::string describe(const FirstBlockCase& c) {
  const Conv2dProblem& p = c.p.conv;
  std::string s = c.p.input == DType::u8 ? "u8" : "f32";
  for (const int64_t v : {p.N, p.H, p.W, p.C, p.K, p.R, p.S}) s += " " + std::to_string(v);
  s += " pad";
  for (const int64_t v : {p.pad.top, p.pad.bottom, p.pad.left, p.pad.right}) s += " " + std::to_string(v);
  s += " stride " + std::to_string(p.stride_h) + " " + std::to_string(p.stride_w);
  s += " dil " + std::to_string(p.dil_h) + " " + std::to_string(p.dil_w);
  return s + (c.p.pool.ceil ? " ceil" : "") + (c.biased ? " bias" : "") + " storage " +
         std::to_string(int(c.storage)) + " data " + std::to_string(int(c.data));
}

ForwardExpected forward_oracle(const FirstBlockCase& c) {
  const size_t taps = size_t(c.p.conv.reduction());
  ForwardExpected out;
  for_outputs(c.p, [&](size_t, int64_t n, int64_t p, int64_t q, int64_t k) {
    WindowValues window{};
    double budget = 0;
    for (int place = 0; place < 4; ++place) {
      window.inside[place] = in_map(c.p, p, q, place);
      if (!window.inside[place]) continue;
      double sum = c.biased ? double(c.b[size_t(k)]) : 0, magnitude = std::fabs(sum);
      for_taps(c, n, 2 * p + place / 2, 2 * q + place % 2, [&](size_t tap, const Pixel& x) {
        const double w = c.w[size_t(k) * taps + tap];
        sum += w * x.value, magnitude += std::fabs(w) * x.magnitude;
      });
      window.value[place] = sum;
      window.budget[place] = c.data == Data::integer ? 0 : sum_budget(double(taps) + 3, magnitude);
      budget = std::max(budget, window.budget[place]);
    }
    const double best = window.value[first_largest(window)];
    out.y.add(best <= 0 ? 0 : best, budget);
    out.windows.push_back(window);
  });
  return out;
}

std::string judge_argmax(const FirstBlockCase& c, const ForwardExpected& want,
                         const std::vector<uint8_t>& argmax) {
  const std::vector<int> winners = unpacked(c.p, argmax);
  if (packed(c.p, winners) != argmax) return "bits are set that mean nothing";
  for (size_t i = 0; i < winners.size(); ++i) {
    const WindowValues& window = want.windows[i];
    const int largest = first_largest(window), winner = winners[i];
    const double best = window.value[largest], budget = want.y.budget[i];
    bool right = winner < 0 || window.inside[winner];
    if (std::isfinite(best) && budget > 0) {
      right = right && (winner < 0 || window.value[winner] >= best - budget - window.budget[winner]);
      if (std::fabs(best) > budget) right = right && (winner >= 0) == (best > 0);
    } else {
      right = winner == (best <= 0 ? -1 : largest);
    }
    if (!right)
      return "output " + std::to_string(i) + " has winner " + std::to_string(winner) + ", expected " +
             std::to_string(largest) + " with " + std::to_string(best);
  }
  return "";
}

std::vector<uint8_t> packed(const FirstBlockProblem& p, const std::vector<int>& winners) {
  const size_t K = size_t(p.conv.K), bytes = (K + 1) / 2;
  std::vector<uint8_t> out(winners.size() / K * bytes);
  for (size_t i = 0; i < winners.size(); ++i)
    if (winners[i] >= 0) out[i / K * bytes + i % K / 2] |= uint8_t((winners[i] | 4) << (i % K % 2 * 4));
  return out;
}

std::vector<int> unpacked(const FirstBlockProblem& p, const std::vector<uint8_t>& argmax) {
  const size_t K = size_t(p.conv.K), bytes = (K + 1) / 2;
  std::vector<int> out(size_t(pooled_count(p)));
  for (size_t i = 0; i < out.size(); ++i) {
    const int code = argmax[i / K * bytes + i % K / 2] >> (i % K % 2 * 4) & 15;
    out[i] = code & 4 ? code & 3 : -1;
  }
  return out;
}

BackwardExpected backward_oracle(const FirstBlockCase& c, const std::vector<int>& winners, bool accumulate) {
  const size_t K = size_t(c.p.conv.K), taps = size_t(c.p.conv.reduction());
  std::vector<double> dw(K * taps), dw_size(K * taps), db(K), db_size(K), terms(K);
  if (accumulate) {
    dw = widened(c.old_dw), db = widened(c.old_db);
    for (size_t i = 0; i < dw.size(); ++i) dw_size[i] = std::fabs(dw[i]);
    for (size_t i = 0; i < K; ++i) db_size[i] = std::fabs(db[i]);
  }
  for_outputs(c.p, [&](size_t at, int64_t n, int64_t p, int64_t q, int64_t filter) {
    if (winners[at] < 0) return;
    const size_t k = size_t(filter);
    const double d = c.dy[at];
    terms[k] += 1, db[k] += d, db_size[k] += std::fabs(d);
    for_taps(c, n, 2 * p + winners[at] / 2, 2 * q + winners[at] % 2, [&](size_t tap, const Pixel& x) {
      dw[k * taps + tap] += d * x.value, dw_size[k * taps + tap] += std::fabs(d) * x.magnitude;
    });
  });
  BackwardExpected out;
  const bool exact = c.data == Data::integer;
  for (size_t i = 0; i < dw.size(); ++i)
    out.dw.add(dw[i], exact ? 0 : sum_budget(terms[i / taps] + 3, dw_size[i]));
  for (size_t k = 0; k < K; ++k) out.db.add(db[k], exact ? 0 : sum_budget(terms[k] + 1, db_size[k]));
  return out;
}

}  // namespace gabor::kernel_tests
