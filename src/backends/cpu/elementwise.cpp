// Add, normalise and dropout: one pass each, at memory speed (dropout: about 3 instructions an element for
// its bits).
#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/elementwise.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

struct Sum {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
void AddArrays(const float* a, const float* b, float* y, int64_t n) { map_lanes(Sum(), n, y, a, b); }

// y[i] = x[i] * scale[i % C] + shift[i % C] for i in [begin, end). The channels repeat every C vectors, so C
// vectors of scales and of shifts are laid out once and a group of C vectors needs no index arithmetic.
void NormalizeBytes(const Normalize& f, int C, const uint8_t* x, float* y, int64_t begin, int64_t end) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<int32_t, decltype(d)> di;
  const hn::Rebind<uint8_t, decltype(d)> du;
  constexpr int kMaxChannels = 4;
  const int64_t L = int64_t(hn::Lanes(d));
  HWY_ALIGN float scale[kMaxChannels * hn::MaxLanes(d)], shift[kMaxChannels * hn::MaxLanes(d)];
  for (int64_t j = 0; j < C * L; j++) {
    scale[j] = f.scale[size_t((begin + j) % C)];
    shift[j] = f.shift[size_t((begin + j) % C)];
  }
  int64_t i = begin;
  for (; i + C * L <= end; i += C * L)
    for (int64_t j = 0; j < C * L; j += L) {
      const auto v = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(du, x + i + j)));
      hn::StoreU(hn::MulAdd(v, hn::Load(d, scale + j), hn::Load(d, shift + j)), d, y + i + j);
    }
  for (int64_t j = 0; i < end; i++, j++) {
    // As the vectors do it, so that a value does not depend on where the ranges are cut.
    const auto v = hn::Set(d, float(x[i]));
    y[i] = hn::GetLane(hn::MulAdd(v, hn::Set(d, scale[j]), hn::Set(d, shift[j])));
  }
}

// Philox for kBlocks counters at once, the four words of block j at out[4 j]. Plain loops over small arrays:
// GCC turns them into the target's widening multiplications.
constexpr int kBlocks = 16;
void draw(const RandomKey& key, uint32_t first, uint32_t* HWY_RESTRICT out) {
  uint32_t c0[kBlocks], c1[kBlocks], c2[kBlocks], c3[kBlocks];
  for (int j = 0; j < kBlocks; j++) {
    c0[j] = first + uint32_t(j);
    c1[j] = key.b;
    c2[j] = uint32_t(key.a);
    c3[j] = (uint32_t(key.a >> 32) << 8) | uint32_t(key.purpose);
  }
  uint32_t k0 = uint32_t(key.seed), k1 = uint32_t(key.seed >> 32);
  for (int round = 0; round < 10; round++) {
    for (int j = 0; j < kBlocks; j++) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0[j], p1 = uint64_t{0xCD9E8D57u} * c2[j];
      c0[j] = uint32_t(p1 >> 32) ^ c1[j] ^ k0;
      c1[j] = uint32_t(p1);
      c2[j] = uint32_t(p0 >> 32) ^ c3[j] ^ k1;
      c3[j] = uint32_t(p0);
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  for (int j = 0; j < kBlocks; j++) {
    out[4 * j] = c0[j], out[4 * j + 1] = c1[j], out[4 * j + 2] = c2[j], out[4 * j + 3] = c3[j];
  }
}

// y[i] (+)= kept(i) ? x[i] scale : 0 for i in [begin, end), begin a multiple of 4.
void DropoutRange(const RandomKey& key, float rate, const float* x, float* y, int64_t begin, int64_t end,
                  bool accumulate) {
  const float scale = 1.0f / (1.0f - rate);
  uint32_t bits[4 * kBlocks];
  for (int64_t i = begin; i < end; i += 4 * kBlocks) {
    draw(key, uint32_t(i / 4), bits);
    const int64_t n = end - i < 4 * kBlocks ? end - i : 4 * kBlocks;
    const float* from = x + i;
    float* to = y + i;
    for (int64_t j = 0; j < n; j++) {
      // unit_float, written out with a signed conversion (the value has 24 bits), which vectorises.
      const float u = float(int32_t(bits[j] >> 8)) * 0x1p-24f;
      const float v = u >= rate ? from[j] * scale : 0.0f;
      to[j] = accumulate ? to[j] + v : v;
    }
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(AddArrays);
HWY_EXPORT(NormalizeBytes);
HWY_EXPORT(DropoutRange);

class CpuAdd final : public Add {
 public:
  Support supports(const AddProblem&) const override { return Support::yes(); }

  void forward(Context&, const AddProblem& p, ConstTensorView a, ConstTensorView b,
               TensorView y) const override {
    const float *left = a.as<float>(), *right = b.as<float>();
    float* to = y.as<float>();
    chunks(p.count, [&](int64_t i, int64_t end) { add(left + i, right + i, to + i, end - i); });
  }

  void accumulate(Context&, const AddProblem& p, ConstTensorView dy, TensorView d,
                  GradMode mode) const override {
    const float* from = dy.as<float>();
    float* to = d.as<float>();
    chunks(p.count, [&](int64_t i, int64_t end) {
      if (mode == GradMode::accumulate)
        add(to + i, from + i, to + i, end - i);
      else
        std::memcpy(to + i, from + i, size_t(end - i) * sizeof(float));
    });
  }
};

class CpuNormalize final : public NormalizeOp {
 public:
  Support supports(const NormalizeProblem& p) const override {
    return p.C >= 1 && p.C <= 4 ? Support::yes() : Support::no("1 to 4 channels");
  }
  void forward(Context&, const NormalizeProblem& p, ConstTensorView x, TensorView y) const override {
    const uint8_t* from = x.as<uint8_t>();
    float* to = y.as<float>();
    chunks(p.count, [&](int64_t i, int64_t end) {
      HWY_DYNAMIC_DISPATCH(NormalizeBytes)(p.normalize, int(p.C), from, to, i, end);
    });
  }
};

class CpuDropout final : public Dropout {
 public:
  Support supports(const DropoutProblem& p) const override {
    if (!(p.rate >= 0 && p.rate < 1)) return Support::no("the rate must be in [0,1)");
    if (p.count > int64_t{4} << 32) return Support::no("more than 2^34 elements");
    return Support::yes();
  }
  void forward(Context& context, const DropoutProblem& p, ConstTensorView x, TensorView y) const override {
    run(context, p, x.as<float>(), y.as<float>(), false);
  }
  void backward(Context& context, const DropoutProblem& p, ConstTensorView dy, TensorView dx,
                GradMode mode) const override {
    run(context, p, dy.as<float>(), dx.as<float>(), mode == GradMode::accumulate);
  }

 private:
  static void run(const Context& context, const DropoutProblem& p, const float* x, float* y,
                  bool accumulate) {
    const RandomKey key = dropout_key(context.seed, p, *context.step);
    chunks(p.count, [&](int64_t i, int64_t end) {
      HWY_DYNAMIC_DISPATCH(DropoutRange)(key, p.rate, x, y, i, end, accumulate);
    });
  }
};

}  // namespace

void add(const float* a, const float* b, float* y, int64_t n) { HWY_DYNAMIC_DISPATCH(AddArrays)(a, b, y, n); }

std::unique_ptr<Add> make_add() { return std::make_unique<CpuAdd>(); }
std::unique_ptr<NormalizeOp> make_normalize() { return std::make_unique<CpuNormalize>(); }
std::unique_ptr<Dropout> make_dropout() { return std::make_unique<CpuDropout>(); }

}  // namespace gabor::cpu
#endif
