// What every op of this backend shares: the two libraries, a handle of each, and descriptors that free themselves.
#pragma once
#include <memory>

#include "backends/cudnn/backend.h"
#include "backends/cudnn/cudnn_api.h"
#include "core/problem/activation.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor::cudnn {

class Session {
 public:
  explicit Session(const CudnnOptions& options);  // for the GPU that is current
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const CudnnApi& dnn() const { return dnn_; }
  const CublasApi& blas() const { return blas_; }
  const CudnnOptions& options() const { return options_; }
  // The handles, set to the stream of the call.
  cudnnHandle_t dnn(const Context& context) const;
  cublasHandle_t blas(const Context& context) const;

 private:
  CudnnOptions options_;
  CudnnApi dnn_;
  CublasApi blas_;
  cudnnHandle_t dnn_handle_ = nullptr;
  cublasHandle_t blas_handle_ = nullptr;
};

// A descriptor: made by Api::Create<...>, freed by Api::Destroy<...>.
template <class Handle>
class Descriptor {
 public:
  using Destroy = cudnnStatus_t (*)(Handle);
  Descriptor(cudnnStatus_t (*create)(Handle*), Destroy destroy, const CudnnApi& api, const char* function)
      : destroy_(destroy) {
    api.check(create(&handle_), function);
  }
  Descriptor(Descriptor&& other) noexcept : handle_(other.handle_), destroy_(other.destroy_) {
    other.handle_ = nullptr;
  }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (handle_) destroy_(handle_);
  }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
  Destroy destroy_;
};

using Tensor = Descriptor<cudnnTensorDescriptor_t>;
using Filter = Descriptor<cudnnFilterDescriptor_t>;
using Convolution = Descriptor<cudnnConvolutionDescriptor_t>;
using Pooling = Descriptor<cudnnPoolingDescriptor_t>;
using ActivationFunction = Descriptor<cudnnActivationDescriptor_t>;

// f32; channels last, or first (nchw). row, plane and image: elements from one row, channel (nchw only) and image to the
// next; 0: dense. A filter has K for N, R,S for H,W.
struct TensorExtent {
  int64_t N = 1, H = 1, W = 1, C = 1;
  bool nchw = false;
  int64_t row = 0, plane = 0, image = 0;
  int64_t count() const { return N * H * W * C; }
};
// In elements, from one place to the next along each axis.
struct TensorStrides {
  int64_t image, channel, row, column;
};
TensorStrides strides_of(const TensorExtent& extent);
Tensor make_tensor(const CudnnApi& api, const TensorExtent& extent);
Filter make_filter(const CudnnApi& api, const TensorExtent& extent);  // a dense one
// Null if cuDNN's extents, which are int, hold them; else why not.
const char* too_large(std::initializer_list<int64_t> counts);

// The kinds that cuDNN has with a derivative from the output: relu, sigmoid, tanh.
bool has_activation(ActivationKind kind);
ActivationFunction make_activation_function(const CudnnApi& api, ActivationKind kind);

inline constexpr float kOne = 1.0f, kZero = 0.0f;
inline const float* beta_of(GradMode mode) { return mode == GradMode::accumulate ? &kOne : &kZero; }

}  // namespace gabor::cudnn
