// What the parts of the fake library share: its state, and what cuDNN's opaque types are in it.
#pragma once
#include <cudnn.h>

#include <cmath>
#include <cstdint>

#include "backends/cudnn/fake_library.h"

// Counts the call; true if it is to fail.
bool fake_call_fails();
#define FAKE_CALL(status) \
  if (fake_call_fails()) return status
#define FAKE_CUDNN_CALL FAKE_CALL(CUDNN_STATUS_INTERNAL_ERROR)

struct cudnnContext {
  cudaStream_t stream;
};
struct cudnnTensorStruct {
  int64_t n, c, h, w, n_stride, c_stride, h_stride, w_stride;
  int64_t at(int64_t i, int64_t k, int64_t y, int64_t x) const {
    return i * n_stride + k * c_stride + y * h_stride + x * w_stride;
  }
  bool same_extent(const cudnnTensorStruct& o) const { return n == o.n && c == o.c && h == o.h && w == o.w; }
};
struct cudnnFilterStruct : cudnnTensorStruct {};  // K for n, R and S for h and w
struct cudnnConvolutionStruct {
  int64_t pad_h, pad_w, stride_h, stride_w, dil_h, dil_w, groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};
inline double activate(cudnnActivationMode_t mode, double v) {
  if (mode == CUDNN_ACTIVATION_RELU) return v > 0 || std::isnan(v) ? v : 0;
  return mode == CUDNN_ACTIVATION_SIGMOID ? 1 / (1 + std::exp(-v)) : std::tanh(v);
}

struct cudnnPoolingStruct {
  int64_t R, S, pad_h, pad_w, stride_h, stride_w;
};
struct cudnnActivationStruct {
  cudnnActivationMode_t mode;
};

template <class T>
cudnnStatus_t create(T** made) {
  FAKE_CUDNN_CALL;
  *made = new T{};
  fake_state()->alive++;
  return CUDNN_STATUS_SUCCESS;
}
template <class T>
cudnnStatus_t destroy(T* made) {
  delete made;
  fake_state()->alive--;
  return CUDNN_STATUS_SUCCESS;
}

inline float number(const void* p) { return *static_cast<const float*>(p); }
inline const float* floats(const void* p) { return static_cast<const float*>(p); }
inline float* floats(void* p) { return static_cast<float*>(p); }

// to = alpha value + beta to; with beta 0 what was there is not read.
inline void blend(float* to, double value, const void* alpha, const void* beta) {
  const double old = number(beta) == 0 ? 0 : double(number(beta)) * *to;
  *to = float(double(number(alpha)) * value + old);
}

template <class F>
void for_each(const cudnnTensorStruct& t, F f) {
  for (int64_t n = 0; n < t.n; n++)
    for (int64_t h = 0; h < t.h; h++)
      for (int64_t w = 0; w < t.w; w++)
        for (int64_t c = 0; c < t.c; c++) f(n, c, h, w);
}
