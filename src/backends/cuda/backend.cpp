#include "backends/cuda/backend.h"

#include <fmt/format.h>

#include "backends/cuda/ops.h"

namespace gabor {
namespace {

using kernels::conv2d::Conv2dRung;

// Convolution, and dense layers where it has one, by other kernels than the backend's own choice. It keeps the device and
// the counters alive.
class CudaVariant final : public Backend {
 public:
  CudaVariant(std::shared_ptr<Device> device, std::shared_ptr<const cuda::Counters> counters,
              std::string_view name, std::string math, std::unique_ptr<Conv2d> conv2d,
              std::unique_ptr<Dense> dense = nullptr)
      : device_(std::move(device)),
        counters_(std::move(counters)),
        name_(fmt::format("{}/{}", cuda::kBackendName, name)),
        math_(std::move(math)),
        conv2d_(std::move(conv2d)),
        dense_(std::move(dense)) {
    ops_.conv2d = conv2d_.get();
    ops_.dense = dense_.get();
  }
  std::string_view name() const override { return name_; }
  Device& device() const override { return *device_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return {.math = math_, .emulated = cuda::kEmulated}; }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<const cuda::Counters> counters_;
  std::string name_, math_;
  std::unique_ptr<Conv2d> conv2d_;
  std::unique_ptr<Dense> dense_;
  OpSet ops_;
};

// The precisions that tensor cores have for f32: names as of Traits::math, and of the variants.
constexpr std::pair<const char*, kernels::Math> kRoundings[] = {{"tf32", kernels::Math::tf32},
                                                                {"bf16", kernels::Math::bf16}};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int number) : device_(cuda::make_device(number)) {
    ops_.activation = activation_.get();
    ops_.add = add_.get();
    ops_.batchnorm = batchnorm_.get();
    ops_.conv2d = conv2d_.get();
    ops_.dense = dense_.get();
    ops_.dropout = dropout_.get();
    ops_.first_block = first_block_.get();
    ops_.gather = gather_.get();
    ops_.loss = loss_.get();
    ops_.normalize = normalize_.get();
    ops_.optimizer = optimizer_.get();
    ops_.pool2d = pool2d_.get();
    ops_.roofs = roofs_.get();
    ops_.softmax = softmax_.get();
  }
  std::string_view name() const override { return cuda::kBackendName; }
  Device& device() const override { return *device_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return {.emulated = cuda::kEmulated}; }
  size_t fixed_bytes() const override { return counters_->bytes(); }
  std::vector<std::shared_ptr<const Backend>> variants() const override {
    std::vector<std::shared_ptr<const Backend>> made;
    for (const Conv2dRung rung : {Conv2dRung::direct, Conv2dRung::implicit_gemm, Conv2dRung::depthwise})
      made.push_back(std::make_shared<CudaVariant>(device_, counters_, kernels::conv2d::name_of(rung), "fp32",
                                                   cuda::make_conv2d(gpu_, *counters_, rung)));
    for (const auto& [math, rounding] : kRoundings)
      made.push_back(std::make_shared<CudaVariant>(device_, counters_, math, math,
                                                   cuda::make_rounding_conv2d(gpu_, *counters_, rounding),
                                                   cuda::make_rounding_dense(gpu_, *counters_, rounding)));
    return made;
  }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<const cuda::Counters> counters_ = std::make_shared<cuda::Counters>(*device_);
  cuda::Gpu gpu_ = cuda::gpu_of(*device_);
  std::unique_ptr<ActivationOp> activation_ = cuda::make_activation();
  std::unique_ptr<Add> add_ = cuda::make_add();
  std::unique_ptr<BatchNorm> batchnorm_ = cuda::make_batchnorm(gpu_);
  std::unique_ptr<Conv2d> conv2d_ = cuda::make_conv2d(gpu_, *counters_);
  std::unique_ptr<Dense> dense_ = cuda::make_dense(gpu_, *counters_);
  std::unique_ptr<Dropout> dropout_ = cuda::make_dropout();
  std::unique_ptr<FirstBlock> first_block_ = cuda::make_first_block(gpu_, *counters_);
  std::unique_ptr<Gather> gather_ = cuda::make_gather();
  std::unique_ptr<Loss> loss_ = cuda::make_loss(*counters_);
  std::unique_ptr<NormalizeOp> normalize_ = cuda::make_normalize();
  std::unique_ptr<Optimizer> optimizer_ = cuda::make_optimizer();
  std::unique_ptr<Pool2d> pool2d_ = cuda::make_pool2d();
  std::unique_ptr<Roofs> roofs_ = cuda::make_roofs(gpu_);
  std::unique_ptr<Softmax> softmax_ = cuda::make_softmax();
  OpSet ops_;
};

}  // namespace

std::shared_ptr<const Backend> make_cuda_backend(int device) { return std::make_shared<CudaBackend>(device); }

}  // namespace gabor
