#include "backends/cudnn/session.h"

#include <climits>

#include "core/error.h"

namespace gabor::cudnn {

Session::Session(const CudnnOptions& options)
    : options_(options), dnn_(options.cudnn_file), blas_(options.cublas_file) {
  dnn_.check(dnn_.Create(&dnn_handle_), "Create");
  try {
    blas_.check(blas_.Create(&blas_handle_), "Create");
    // The default mode multiplies f32 as f32.
    blas_.check(blas_.SetMathMode(blas_handle_,
                                  options.allow_tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH),
                "SetMathMode");
  } catch (...) {
    if (blas_handle_) blas_.Destroy(blas_handle_);
    dnn_.Destroy(dnn_handle_);
    throw;
  }
}

Session::~Session() {
  blas_.Destroy(blas_handle_);
  dnn_.Destroy(dnn_handle_);
}

cudnnHandle_t Session::dnn(const Context& context) const {
  dnn_.check(dnn_.SetStream(dnn_handle_, static_cast<cudaStream_t>(context.stream.handle)), "SetStream");
  return dnn_handle_;
}

cublasHandle_t Session::blas(const Context& context) const {
  blas_.check(blas_.SetStream(blas_handle_, static_cast<cudaStream_t>(context.stream.handle)), "SetStream");
  return blas_handle_;
}

TensorStrides strides_of(const TensorExtent& e) {
  const int64_t row = e.row ? e.row : e.nchw ? e.W : e.W * e.C;
  if (!e.nchw) return {e.image ? e.image : e.H * row, 1, row, e.C};
  const int64_t plane = e.plane ? e.plane : e.H * row;
  return {e.image ? e.image : e.C * plane, plane, row, 1};
}

Tensor make_tensor(const CudnnApi& api, const TensorExtent& e) {
  Tensor t(api.CreateTensorDescriptor, api.DestroyTensorDescriptor, api, "CreateTensorDescriptor");
  const TensorStrides s = strides_of(e);
  api.check(api.SetTensor4dDescriptorEx(t.get(), CUDNN_DATA_FLOAT, int(e.N), int(e.C), int(e.H), int(e.W),
                                        int(s.image), int(s.channel), int(s.row), int(s.column)),
            "SetTensor4dDescriptorEx");
  return t;
}

Filter make_filter(const CudnnApi& api, const TensorExtent& e) {
  Filter f(api.CreateFilterDescriptor, api.DestroyFilterDescriptor, api, "CreateFilterDescriptor");
  api.check(
      api.SetFilter4dDescriptor(f.get(), CUDNN_DATA_FLOAT, e.nchw ? CUDNN_TENSOR_NCHW : CUDNN_TENSOR_NHWC,
                                int(e.N), int(e.C), int(e.H), int(e.W)),
      "SetFilter4dDescriptor");
  return f;
}

const char* too_large(std::initializer_list<int64_t> counts) {
  for (const int64_t n : counts)
    if (n > INT_MAX) return "2^31 elements or more, which cuDNN's extents do not hold";
  return nullptr;
}

bool has_activation(ActivationKind kind) {
  return kind == ActivationKind::relu || kind == ActivationKind::sigmoid || kind == ActivationKind::tanh;
}

ActivationFunction make_activation_function(const CudnnApi& api, ActivationKind kind) {
  ActivationFunction f(api.CreateActivationDescriptor, api.DestroyActivationDescriptor, api,
                       "CreateActivationDescriptor");
  GABOR_CHECK(has_activation(kind));
  const cudnnActivationMode_t mode = kind == ActivationKind::relu      ? CUDNN_ACTIVATION_RELU
                                     : kind == ActivationKind::sigmoid ? CUDNN_ACTIVATION_SIGMOID
                                                                       : CUDNN_ACTIVATION_TANH;
  api.check(api.SetActivationDescriptor(f.get(), mode, CUDNN_PROPAGATE_NAN, 0.0), "SetActivationDescriptor");
  return f;
}

}  // namespace gabor::cudnn
