#include "ops/first_block.h"

#include <vector>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"
#include "ops/batch_chunks.h"

namespace gabor::reference {
namespace {

Conv2dProblem conv_of_one(const FirstBlockProblem& p) { return with_images(p.conv, 1); }

Pool2dProblem pool_of_one(const FirstBlockProblem& p) { return with_images(p.pool, 1); }

std::vector<double> widened(const float* from, int64_t count) { return {from, from + count}; }

// Sample n as the convolution sees it.
std::vector<double> image(const FirstBlockProblem& p, const ConstTensorView& x, int64_t n) {
  const int64_t count = p.conv.H * p.conv.W * p.conv.C, all = p.conv.N * count;
  if (p.input == DType::f32) return widened(input<float>("x", x, all) + n * count, count);
  const uint8_t* in = input<uint8_t>("x", x, all) + n * count;
  std::vector<double> out(count);
  for (int64_t i = 0; i < count; i++) {
    const int64_t c = i % p.conv.C;
    out[i] = in[i] * double(p.normalize.scale[c]) + double(p.normalize.shift[c]);
  }
  return out;
}

class ReferenceFirstBlock final : public FirstBlock {
 public:
  Support supports(const FirstBlockProblem& p) const override {
    if (p.conv.activation.kind != ActivationKind::relu) return Support::no("the activation is not relu");
    if (p.pool.kind != PoolKind::max) return Support::no("the pooling is not max");
    if (p.pool.R * p.pool.S >= kDeadWinner) return Support::no("the pooling window has more than 254 taps");
    if (p.pool.x_shape() != p.conv.y_shape()) return Support::no("pooling does not fit the convolution");
    if (p.input == DType::i32) return Support::no("the input is not u8 or f32");
    if (p.input == DType::u8 && p.conv.C > 4) return Support::no("u8 input of more than 4 channels");
    return Support::yes();
  }
  size_t workspace_bytes(const FirstBlockProblem&) const override { return 0; }
  size_t argmax_bytes(const FirstBlockProblem& p) const override {
    return size_t(pool_of_one(p).y_shape().count());
  }

  void forward(Context&, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
               TensorView y, TensorView argmax) const override {
    const int64_t N = p.conv.N, sample = pool_of_one(p).y_shape().count(), weights = p.conv.w_shape().count();
    const std::vector<double> w64 = widened(input<float>("w", w, weights), weights);
    const float* bias = optional_input<float>("b", b, p.conv.K);
    const std::vector<double> b64 = bias ? widened(bias, p.conv.K) : std::vector<double>(p.conv.K, 0.0);
    float* out = output<float>("y", y, N * sample);
    uint8_t* winners = optional_output<uint8_t>("argmax", argmax, N * sample);
    std::vector<double> y64(sample);
    for (int64_t n = 0; n < N; n++) {
      const std::vector<double> x64 = image(p, x, n);
      first_block_forward(p, x64.data(), w64.data(), b64.data(), y64.data(),
                          winners ? winners + n * sample : nullptr);
      for (int64_t i = 0; i < sample; i++) out[n * sample + i] = float(y64[i]);
    }
  }

  void backward(Context&, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView argmax,
                ConstTensorView dy, TensorView dw, TensorView db, GradMode mode) const override {
    const int64_t N = p.conv.N, sample = pool_of_one(p).y_shape().count(), weights = p.conv.w_shape().count();
    const float* d = input<float>("dy", dy, N * sample);
    const uint8_t* winners = input<uint8_t>("argmax", argmax, N * sample);
    float* filters = output<float>("dw", dw, weights);
    float* bias = optional_output<float>("db", db, p.conv.K);
    for_batch_chunks(p, [&](const FirstBlockProblem& chunk, int64_t first) {
      std::vector<double> dw64(weights, 0.0), db64(p.conv.K, 0.0);
      for (int64_t n = first; n < first + chunk.conv.N; n++) {
        const std::vector<double> x64 = image(p, x, n), dy64 = widened(d + n * sample, sample);
        first_block_backward(p, x64.data(), winners + n * sample, dy64.data(), dw64.data(), db64.data());
      }
      for (int64_t i = 0; i < weights; i++) put(filters[i], dw64[i], chunk_mode(first, mode));
      for (int64_t k = 0; bias && k < p.conv.K; k++) put(bias[k], db64[k], chunk_mode(first, mode));
    });
  }
};

}  // namespace

void first_block_forward(const FirstBlockProblem& p, const double* x, const double* w, const double* b,
                         double* y, uint8_t* argmax) {
  const Conv2dProblem conv = conv_of_one(p);
  const Pool2dProblem pool = pool_of_one(p);
  const int64_t outputs = pool.y_shape().count();
  std::vector<double> full(conv.y_shape().count());
  std::vector<int32_t> winner(outputs);
  conv2d_fprop(conv, x, w, b, full.data());
  pool2d_forward(pool, full.data(), y, winner.data());
  if (!argmax) return;
  for (int64_t i = 0; i < outputs; i++) argmax[i] = y[i] <= 0 ? kDeadWinner : uint8_t(winner[i]);
}

void first_block_backward(const FirstBlockProblem& p, const double* x, const uint8_t* argmax,
                          const double* dy, double* dw, double* db) {
  const Conv2dProblem conv = conv_of_one(p);
  const Pool2dProblem pool = pool_of_one(p);
  const int64_t outputs = pool.y_shape().count();
  std::vector<double> full(conv.y_shape().count());
  // A dead winner is no tap of any window, so that pooling's own backward leaves it out.
  const std::vector<int32_t> winner(argmax, argmax + outputs);
  pool2d_backward<double>(pool, nullptr, nullptr, winner.data(), dy, full.data(), GradMode::overwrite);
  conv2d_wgrad(conv, x, full.data(), dw, db, GradMode::accumulate);
}

std::unique_ptr<const FirstBlock> make_first_block() { return std::make_unique<ReferenceFirstBlock>(); }

}  // namespace gabor::reference
