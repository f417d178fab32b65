#include "backends/cuda/backend.h"

#include <fmt/format.h>

#include "backends/cuda/ops.h"

namespace gabor {
namespace {

using cuda::Counters;
using cuda::Gpu;
using kernels::Storage;
using kernels::conv2d::Conv2dRung;

// Ops and their owner; null: not there.
struct CudaOps {
  std::unique_ptr<ActivationOp> activation{};
  std::unique_ptr<Add> add{};
  std::unique_ptr<BatchNorm> batchnorm{};
  std::unique_ptr<Cast> cast{};
  std::unique_ptr<Conv2d> conv2d{};
  std::unique_ptr<Dense> dense{};
  std::unique_ptr<Dropout> dropout{};
  std::unique_ptr<FirstBlock> first_block{};
  std::unique_ptr<Gather> gather{};
  std::unique_ptr<GradientNorm> gradient_norm{};
  std::unique_ptr<Head> head{};
  std::unique_ptr<Loss> loss{};
  std::unique_ptr<NormalizeOp> normalize{};
  std::unique_ptr<Optimizer> optimizer{};
  std::unique_ptr<Pool2d> pool2d{};
  std::unique_ptr<Roofs> roofs{};
  std::unique_ptr<Softmax> softmax{};

  OpSet set() const {
    return {.activation = activation.get(),
            .add = add.get(),
            .batchnorm = batchnorm.get(),
            .cast = cast.get(),
            .conv2d = conv2d.get(),
            .dense = dense.get(),
            .dropout = dropout.get(),
            .first_block = first_block.get(),
            .gather = gather.get(),
            .gradient_norm = gradient_norm.get(),
            .head = head.get(),
            .loss = loss.get(),
            .normalize = normalize.get(),
            .optimizer = optimizer.get(),
            .pool2d = pool2d.get(),
            .roofs = roofs.get(),
            .softmax = softmax.get()};
  }
};

CudaOps all_ops(const Gpu& gpu, const Counters& counters, Storage storage) {
  return {.activation = cuda::make_activation(storage),
          .add = cuda::make_add(storage),
          .batchnorm = cuda::make_batchnorm(gpu, storage),
          .cast = cuda::make_cast(),
          .conv2d = cuda::make_conv2d(gpu, counters, storage),
          .dense = cuda::make_dense(gpu, counters, storage),
          .dropout = cuda::make_dropout(storage),
          .first_block = cuda::make_first_block(gpu, counters, storage),
          .gather = cuda::make_gather(),
          .gradient_norm = cuda::make_gradient_norm(),
          .head = storage == Storage::f32 ? cuda::make_head(counters) : nullptr,
          .loss = cuda::make_loss(counters, storage),
          .normalize = cuda::make_normalize(storage),
          .optimizer = cuda::make_optimizer(),
          .pool2d = cuda::make_pool2d(storage),
          .roofs = cuda::make_roofs(gpu),
          .softmax = cuda::make_softmax(storage)};
}

// Other ops than the backend's own. It keeps the device and the counters alive.
class CudaVariant final : public Backend {
 public:
  CudaVariant(std::shared_ptr<Device> device, std::shared_ptr<const Counters> counters, std::string_view name,
              Traits traits, CudaOps ops)
      : device_(std::move(device)),
        counters_(std::move(counters)),
        name_(fmt::format("{}/{}", cuda::kBackendName, name)),
        traits_(std::move(traits)),
        owned_(std::move(ops)),
        ops_(owned_.set()) {}
  std::string_view name() const override { return name_; }
  Device& device() const override { return *device_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return traits_; }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<const Counters> counters_;
  std::string name_;
  Traits traits_;
  CudaOps owned_;
  OpSet ops_;
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int number) : device_(cuda::make_device(number)) {}
  std::string_view name() const override { return cuda::kBackendName; }
  Device& device() const override { return *device_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return {.emulated = cuda::kEmulated}; }
  size_t fixed_bytes() const override { return counters_->bytes(); }
  std::vector<std::shared_ptr<const Backend>> variants() const override {
    std::vector<std::shared_ptr<const Backend>> made;
    const auto add = [&](std::string_view name, Traits traits, CudaOps ops) {
      traits.emulated = cuda::kEmulated;
      made.push_back(
          std::make_shared<CudaVariant>(device_, counters_, name, std::move(traits), std::move(ops)));
    };
    // Convolution pinned to one kernel.
    for (const Conv2dRung rung : {Conv2dRung::direct, Conv2dRung::implicit_gemm, Conv2dRung::depthwise})
      add(kernels::conv2d::name_of(rung), {},
          {.conv2d = cuda::make_conv2d(gpu_, *counters_, Storage::f32, rung)});
    // Named as a Traits::math: f32 rounded for tensor cores, where that is faster; and tensors of 16 bits.
    add("tf32", {.math = "tf32"},
        {.conv2d = cuda::make_tf32_conv2d(gpu_, *counters_),
         .dense = cuda::make_tf32_dense(gpu_, *counters_)});
    add("bf16", {.math = "bf16", .storage = DType::bf16}, all_ops(gpu_, *counters_, Storage::bf16));
    add("fp16", {.math = "fp16", .storage = DType::f16}, all_ops(gpu_, *counters_, Storage::f16));
    return made;
  }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<const Counters> counters_ = std::make_shared<Counters>(*device_);
  Gpu gpu_ = cuda::gpu_of(*device_);
  CudaOps owned_ = all_ops(gpu_, *counters_, Storage::f32);
  OpSet ops_ = owned_.set();
};

}  // namespace

std::shared_ptr<const Backend> make_cuda_backend(int device) { return std::make_shared<CudaBackend>(device); }

}  // namespace gabor
