// A library with the names of cuDNN and cuBLAS, so that the backend can be tested without a GPU: it computes on the host,
// in plain loops over the strides of its descriptors, what NVIDIA's reference says each function does. It can be told to
// fail at its n-th call, and counts the handles and descriptors that are alive.
#include <cublas_v2.h>

#include <algorithm>
#include <cmath>

#include "backends/cudnn/fake_types.h"

struct cublasContext {};

namespace {

FakeState state;

}  // namespace

bool fake_call_fails() {
  state.calls++;
  return state.fail_at == state.calls;
}

extern "C" {

FakeState* fake_state() { return &state; }

size_t cudnnGetVersion() { return state.version; }
const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS     ? "success"
         : status == CUDNN_STATUS_BAD_PARAM ? "bad parameter"
                                            : "told to fail";
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return create(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  FAKE_CUDNN_CALL;
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  FAKE_CUDNN_CALL;
  *stream = handle->stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* t) { return create(t); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t t) { return destroy(t); }
cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t t, cudnnDataType_t, int n, int c, int h,
                                           int w, int n_stride, int c_stride, int h_stride, int w_stride) {
  FAKE_CUDNN_CALL;
  *t = {n, c, h, w, n_stride, c_stride, h_stride, w_stride};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* f) { return create(f); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t f) { return destroy(f); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t f, cudnnDataType_t,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  FAKE_CUDNN_CALL;
  const bool last = format == CUDNN_TENSOR_NHWC;
  if (!last && format != CUDNN_TENSOR_NCHW) return CUDNN_STATUS_BAD_PARAM;
  const int64_t K = k, C = c, R = h, S = w;
  *f = last ? cudnnFilterStruct{{K, C, R, S, R * S * C, 1, S * C, C}}
            : cudnnFilterStruct{{K, C, R, S, C * R * S, R * S, S, 1}};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetTensor(cudnnHandle_t, const cudnnTensorDescriptor_t t, void* y, const void* value) {
  FAKE_CUDNN_CALL;
  for_each(*t, [&](auto... i) { floats(y)[t->at(i...)] = number(value); });
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnAddTensor(cudnnHandle_t, const void* alpha, const cudnnTensorDescriptor_t a,
                             const void* from, const void* beta, const cudnnTensorDescriptor_t c, void* to) {
  FAKE_CUDNN_CALL;
  if (a->n != 1 || a->h != 1 || a->w != 1 || a->c != c->c) return CUDNN_STATUS_BAD_PARAM;
  for_each(*c, [&](int64_t n, int64_t k, int64_t h, int64_t w) {
    blend(floats(to) + c->at(n, k, h, w), floats(from)[a->at(0, k, 0, 0)], alpha, beta);
  });
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnTransformTensor(cudnnHandle_t, const void* alpha, const cudnnTensorDescriptor_t x,
                                   const void* from, const void* beta, const cudnnTensorDescriptor_t y,
                                   void* to) {
  FAKE_CUDNN_CALL;
  if (!x->same_extent(*y)) return CUDNN_STATUS_BAD_PARAM;
  for_each(*x, [&](auto... i) { blend(floats(to) + y->at(i...), floats(from)[x->at(i...)], alpha, beta); });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t* a) { return create(a); }
cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t a) { return destroy(a); }
cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t a, cudnnActivationMode_t mode,
                                           cudnnNanPropagation_t nan, double) {
  FAKE_CUDNN_CALL;
  if (nan != CUDNN_PROPAGATE_NAN) return CUDNN_STATUS_BAD_PARAM;
  a->mode = mode;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnActivationForward(cudnnHandle_t, cudnnActivationDescriptor_t a, const void* alpha,
                                     const cudnnTensorDescriptor_t x, const void* in, const void* beta,
                                     const cudnnTensorDescriptor_t y, void* out) {
  FAKE_CUDNN_CALL;
  for_each(*x, [&](auto... i) {
    blend(floats(out) + y->at(i...), activate(a->mode, floats(in)[x->at(i...)]), alpha, beta);
  });
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnActivationBackward(cudnnHandle_t, cudnnActivationDescriptor_t a, const void* alpha,
                                      const cudnnTensorDescriptor_t y, const void* out,
                                      const cudnnTensorDescriptor_t, const void* grad,
                                      const cudnnTensorDescriptor_t, const void* in, const void* beta,
                                      const cudnnTensorDescriptor_t dx, void* to) {
  FAKE_CUDNN_CALL;
  for_each(*y, [&](auto... i) {
    const double v = floats(out)[y->at(i...)], d = floats(grad)[y->at(i...)], u = floats(in)[y->at(i...)];
    const double slope = a->mode == CUDNN_ACTIVATION_RELU      ? (u > 0 ? 1 : 0)
                         : a->mode == CUDNN_ACTIVATION_SIGMOID ? v * (1 - v)
                                                               : 1 - v * v;
    blend(floats(to) + dx->at(i...), slope * d, alpha, beta);
  });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreatePoolingDescriptor(cudnnPoolingDescriptor_t* p) { return create(p); }
cudnnStatus_t cudnnDestroyPoolingDescriptor(cudnnPoolingDescriptor_t p) { return destroy(p); }
cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t p, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t, int R, int S, int pad_h, int pad_w,
                                          int stride_h, int stride_w) {
  FAKE_CUDNN_CALL;
  if (mode != CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING) return CUDNN_STATUS_BAD_PARAM;
  *p = {R, S, pad_h, pad_w, stride_h, stride_w};
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"

namespace {
// f(n, c, p, q, elements of the window that lie in x, g): g calls its argument with the place of each.
template <class F>
bool for_each_window(const cudnnPoolingStruct& p, const cudnnTensorStruct& x, const cudnnTensorStruct& y,
                     F f) {
  if (y.h != (x.h + 2 * p.pad_h - p.R) / p.stride_h + 1 || y.w != (x.w + 2 * p.pad_w - p.S) / p.stride_w + 1)
    return false;
  for_each(y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const int64_t top = std::max<int64_t>(0, h * p.stride_h - p.pad_h),
                  left = std::max<int64_t>(0, w * p.stride_w - p.pad_w);
    const int64_t bottom = std::min(x.h, h * p.stride_h - p.pad_h + p.R),
                  right = std::min(x.w, w * p.stride_w - p.pad_w + p.S);
    f(y.at(n, c, h, w), double((bottom - top) * (right - left)), [&](auto each) {
      for (int64_t i = top; i < bottom; i++)
        for (int64_t j = left; j < right; j++) each(x.at(n, c, i, j));
    });
  });
  return true;
}
}  // namespace

extern "C" {

cudnnStatus_t cudnnPoolingForward(cudnnHandle_t, const cudnnPoolingDescriptor_t p, const void* alpha,
                                  const cudnnTensorDescriptor_t x, const void* in, const void* beta,
                                  const cudnnTensorDescriptor_t y, void* out) {
  FAKE_CUDNN_CALL;
  const bool fit = for_each_window(*p, *x, *y, [&](int64_t at, double count, auto window) {
    double sum = 0;
    window([&](int64_t i) { sum += floats(in)[i]; });
    blend(floats(out) + at, sum / count, alpha, beta);
  });
  return fit ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnPoolingBackward(cudnnHandle_t, const cudnnPoolingDescriptor_t p, const void* alpha,
                                   const cudnnTensorDescriptor_t, const void*,
                                   const cudnnTensorDescriptor_t y, const void* grad,
                                   const cudnnTensorDescriptor_t, const void*, const void* beta,
                                   const cudnnTensorDescriptor_t x, void* to) {
  FAKE_CUDNN_CALL;
  std::vector<double> sums(size_t(x->n * x->n_stride));
  const bool fit = for_each_window(*p, *x, *y, [&](int64_t at, double count, auto window) {
    window([&](int64_t i) { sums[size_t(i)] += double(floats(grad)[at]) / count; });
  });
  if (!fit) return CUDNN_STATUS_BAD_PARAM;
  for (size_t i = 0; i < sums.size(); i++) blend(floats(to) + i, sums[i], alpha, beta);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t, cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode,
                                  const void* alpha, const cudnnTensorDescriptor_t x, const void* in,
                                  const void* beta, const cudnnTensorDescriptor_t, void* out) {
  FAKE_CUDNN_CALL;
  if (algorithm != CUDNN_SOFTMAX_ACCURATE || mode != CUDNN_SOFTMAX_MODE_INSTANCE)
    return CUDNN_STATUS_BAD_PARAM;
  for (int64_t n = 0; n < x->n; n++) {
    const float* row = floats(in) + n * x->n_stride;
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < x->c; k++) most = std::max(most, double(row[k]));
    for (int64_t k = 0; k < x->c; k++) sum += std::exp(row[k] - most);
    for (int64_t k = 0; k < x->c; k++)
      blend(floats(out) + n * x->n_stride + k, std::exp(row[k] - most) / sum, alpha, beta);
  }
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSoftmaxBackward(cudnnHandle_t, cudnnSoftmaxAlgorithm_t, cudnnSoftmaxMode_t,
                                   const void* alpha, const cudnnTensorDescriptor_t y, const void* out,
                                   const cudnnTensorDescriptor_t, const void* grad, const void* beta,
                                   const cudnnTensorDescriptor_t, void* to) {
  FAKE_CUDNN_CALL;
  for (int64_t n = 0; n < y->n; n++) {
    const float *row = floats(out) + n * y->n_stride, *d = floats(grad) + n * y->n_stride;
    double dot = 0;
    for (int64_t k = 0; k < y->c; k++) dot += double(row[k]) * double(d[k]);
    for (int64_t k = 0; k < y->c; k++)
      blend(floats(to) + n * y->n_stride + k, row[k] * (d[k] - dot), alpha, beta);
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t, cudnnBatchNormMode_t mode, const void* alpha, const void* beta,
    const cudnnTensorDescriptor_t x, const void* in, const cudnnTensorDescriptor_t, void* out,
    const cudnnTensorDescriptor_t, const void* scale, const void* bias, double factor, void* running_mean,
    void* running_var, double epsilon, void* saved_mean, void* saved_rstd) {
  FAKE_CUDNN_CALL;
  if (mode != CUDNN_BATCHNORM_SPATIAL) return CUDNN_STATUS_BAD_PARAM;
  if (!running_mean != !running_var) return CUDNN_STATUS_BAD_PARAM;  // both may be null
  const double rows = double(x->n * x->h * x->w);
  for (int64_t c = 0; c < x->c; c++) {
    double mean = 0, var = 0;
    for (int64_t i = c; i < x->n * x->n_stride; i += x->c) mean += floats(in)[i] / rows;
    for (int64_t i = c; i < x->n * x->n_stride; i += x->c)
      var += (floats(in)[i] - mean) * (floats(in)[i] - mean) / rows;
    const double rstd = 1 / std::sqrt(var + epsilon);
    for (int64_t i = c; i < x->n * x->n_stride; i += x->c)
      blend(floats(out) + i, (floats(in)[i] - mean) * rstd * floats(scale)[c] + floats(bias)[c], alpha, beta);
    floats(saved_mean)[c] = float(mean), floats(saved_rstd)[c] = float(rstd);
    if (!running_mean) continue;
    floats(running_mean)[c] = float((1 - factor) * floats(running_mean)[c] + factor * mean);
    floats(running_var)[c] = float((1 - factor) * floats(running_var)[c] + factor * var * rows / (rows - 1));
  }
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBatchNormalizationForwardInference(cudnnHandle_t, cudnnBatchNormMode_t, const void* alpha,
                                                      const void* beta, const cudnnTensorDescriptor_t x,
                                                      const void* in, const cudnnTensorDescriptor_t,
                                                      void* out, const cudnnTensorDescriptor_t,
                                                      const void* scale, const void* bias, const void* mean,
                                                      const void* var, double epsilon) {
  FAKE_CUDNN_CALL;
  for (int64_t i = 0; i < x->n * x->n_stride; i++) {
    const int64_t c = i % x->c;
    const double xhat = (double(floats(in)[i]) - floats(mean)[c]) / std::sqrt(floats(var)[c] + epsilon);
    blend(floats(out) + i, xhat * floats(scale)[c] + floats(bias)[c], alpha, beta);
  }
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBatchNormalizationBackward(cudnnHandle_t, cudnnBatchNormMode_t, const void* alpha_data,
                                              const void* beta_data, const void* alpha_parameter,
                                              const void* beta_parameter, const cudnnTensorDescriptor_t x,
                                              const void* in, const cudnnTensorDescriptor_t, const void* grad,
                                              const cudnnTensorDescriptor_t, void* out,
                                              const cudnnTensorDescriptor_t, const void* scale, void* dscale,
                                              void* dbias, double, const void* mean, const void* rstd) {
  FAKE_CUDNN_CALL;
  const double rows = double(x->n * x->h * x->w);
  for (int64_t c = 0; c < x->c; c++) {
    const double m = floats(mean)[c], r = floats(rstd)[c];
    double db = 0, dg = 0;
    for (int64_t i = c; i < x->n * x->n_stride; i += x->c)
      db += floats(grad)[i], dg += floats(grad)[i] * (floats(in)[i] - m) * r;
    for (int64_t i = c; i < x->n * x->n_stride; i += x->c) {
      const double xhat = (floats(in)[i] - m) * r;
      blend(floats(out) + i, floats(scale)[c] * r * (floats(grad)[i] - db / rows - xhat * dg / rows),
            alpha_data, beta_data);
    }
    blend(floats(dscale) + c, dg, alpha_parameter, beta_parameter);
    blend(floats(dbias) + c, db, alpha_parameter, beta_parameter);
  }
  return CUDNN_STATUS_SUCCESS;
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  FAKE_CALL(CUBLAS_STATUS_NOT_INITIALIZED);
  *handle = new cublasContext;
  state.alive++;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  state.alive--;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t) {
  FAKE_CALL(CUBLAS_STATUS_INTERNAL_ERROR);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) {
  FAKE_CALL(CUBLAS_STATUS_INTERNAL_ERROR);
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasGetStatusString(cublasStatus_t) { return "told to fail"; }
cublasStatus_t cublasSgemm_v2(cublasHandle_t, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                              int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                              const float* beta, float* c, int ldc) {
  FAKE_CALL(CUBLAS_STATUS_EXECUTION_FAILED);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) {
      double sum = 0;
      for (int64_t l = 0; l < k; l++)
        sum += double(op_a == CUBLAS_OP_N ? a[i + l * lda] : a[l + i * lda]) *
               double(op_b == CUBLAS_OP_N ? b[l + j * ldb] : b[j + l * ldb]);
      blend(c + i + j * ldc, sum, alpha, beta);
    }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
