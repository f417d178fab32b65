// The element-wise ops: activation, add, dropout, normalize.
#include "kernels/elementwise/elementwise.h"

#include <algorithm>

#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"

namespace gabor::cuda {
namespace {

class CudaActivation final : public ActivationOp, Stored {
 public:
  using Stored::Stored;
  Support supports(const ActivationProblem&) const override { return Support::yes(); }

  void forward(Context& context, const ActivationProblem& p, ConstTensorView x, TensorView y) const override {
    launching(context, "activation forward", p.count,
              [&] { kernels::activation_forward(p, storage(), in(x), out(y), context.stream.handle); });
  }
  void backward(Context& context, const ActivationProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const ConstTensorView& kept = derivative_from_output(p.activation.kind) ? y : x;
    launching(context, "activation backward", p.count, [&] {
      kernels::activation_backward(p, storage(), in(kept), in(dy), out(dx), mode == GradMode::accumulate,
                                   context.stream.handle);
    });
  }
};

class CudaAdd final : public Add, Stored {
 public:
  using Stored::Stored;
  Support supports(const AddProblem&) const override { return Support::yes(); }

  void forward(Context& context, const AddProblem& p, ConstTensorView a, ConstTensorView b,
               TensorView y) const override {
    launching(context, "add", p.count,
              [&] { kernels::add(p.count, storage(), in(a), in(b), out(y), context.stream.handle); });
  }
  void accumulate(Context& context, const AddProblem& p, ConstTensorView dy, TensorView d,
                  GradMode mode) const override {
    const void* from = in(dy);
    void* to = out(d);
    launching(context, "add backward", p.count, [&] {
      if (mode == GradMode::accumulate)
        kernels::add(p.count, storage(), to, from, to, context.stream.handle);
      else
        kernels::activation_forward({p.count, {}}, storage(), from, to, context.stream.handle);  // a copy
    });
  }
};

class CudaDropout final : public Dropout, Stored {
 public:
  using Stored::Stored;
  Support supports(const DropoutProblem& p) const override {
    constexpr int64_t kMost = int64_t{1} << 34;  // a block of random numbers for four elements, 2^32 blocks
    return p.count <= kMost ? Support::yes() : Support::no("more than 2^34 elements");
  }
  void forward(Context& context, const DropoutProblem& p, ConstTensorView x, TensorView y) const override {
    run(context, p, x, y, false);
  }
  void backward(Context& context, const DropoutProblem& p, ConstTensorView dy, TensorView dx,
                GradMode mode) const override {
    run(context, p, dy, dx, mode == GradMode::accumulate);
  }

 private:
  void run(Context& context, const DropoutProblem& p, ConstTensorView from, TensorView to,
           bool accumulate) const {
    const kernels::DropoutKey key{p.layer, p.chunk, uint32_t(Purpose::dropout), uint32_t(context.seed),
                                  uint32_t(context.seed >> 32)};
    launching(context, "dropout", p.count, [&] {
      kernels::dropout(p.count, p.rate, key, context.step, storage(), in(from), out(to), accumulate,
                       context.stream.handle);
    });
  }
};

class CudaNormalize final : public NormalizeOp, Stored {
 public:
  using Stored::Stored;
  Support supports(const NormalizeProblem& p) const override {
    return p.C <= 4 ? Support::yes() : Support::no("more than 4 channels");
  }
  void forward(Context& context, const NormalizeProblem& p, ConstTensorView x, TensorView y) const override {
    float scale[4], shift[4];
    std::copy_n(p.normalize.scale.begin(), 4, scale);
    std::copy_n(p.normalize.shift.begin(), 4, shift);
    launching(context, "normalize", p.count, [&] {
      kernels::normalize(p.count, int(p.C), scale, shift, x.as<uint8_t>(), storage(), out(y),
                         context.stream.handle);
    });
  }
};

}  // namespace

std::unique_ptr<ActivationOp> make_activation(kernels::Storage storage) {
  return std::make_unique<CudaActivation>(storage);
}
std::unique_ptr<Add> make_add(kernels::Storage storage) { return std::make_unique<CudaAdd>(storage); }
std::unique_ptr<Dropout> make_dropout(kernels::Storage storage) {
  return std::make_unique<CudaDropout>(storage);
}
std::unique_ptr<NormalizeOp> make_normalize(kernels::Storage storage) {
  return std::make_unique<CudaNormalize>(storage);
}

}  // namespace gabor::cuda
