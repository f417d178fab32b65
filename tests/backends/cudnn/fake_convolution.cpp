// The convolutions of the fake library.
#include <cstring>
#include <vector>

#include "backends/cudnn/fake_types.h"

namespace {

constexpr size_t kWorkspace = 1000;  // bytes that its algorithms want

bool fits(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
          const cudnnTensorStruct& y) {
  const auto out = [](int64_t in, int64_t pad, int64_t window, int64_t dil, int64_t stride) {
    return (in + 2 * pad - ((window - 1) * dil + 1)) / stride + 1;
  };
  return y.n == x.n && y.c == w.k && w.c * c.groups == x.c &&
         y.h == out(x.h, c.pad_h, w.h, c.dil_h, c.stride_h) &&
         y.w == out(x.w, c.pad_w, w.w, c.dil_w, c.stride_w);
}

// f(place in x, place in w, place in y) for every product of a convolution.
template <class F>
void for_each_product(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
                      const cudnnTensorStruct& y, F f) {
  for_each(y, [&](int64_t n, int64_t k, int64_t p, int64_t q) {
    const int64_t group = k / (w.k / c.groups);
    for (int64_t r = 0; r < w.h; r++)
      for (int64_t s = 0; s < w.w; s++) {
        const int64_t h = p * c.stride_h - c.pad_h + r * c.dil_h, v = q * c.stride_w - c.pad_w + s * c.dil_w;
        if (h < 0 || h >= x.h || v < 0 || v >= x.w) continue;
        for (int64_t ch = 0; ch < w.c; ch++)
          f(x.at(n, group * w.c + ch, h, v), w.at(k, r, s, ch), y.at(n, k, p, q));
      }
  });
}

// Half of the algorithms that heuristics list are not to be taken: one is not deterministic, one wants too much memory.
template <class Performance>
cudnnStatus_t list_algorithms(int requested, int* returned, Performance* list, cudnnMathType_t math) {
  FAKE_CUDNN_CALL;
  if (requested < 3) return CUDNN_STATUS_BAD_PARAM;
  for (int i = 0; i < 3; i++) {
    list[i] = {};
    list[i].algo = decltype(list[i].algo)(i);
    list[i].status = CUDNN_STATUS_SUCCESS;
    list[i].memory = i == 1 ? size_t{1} << 40 : kWorkspace;
    list[i].determinism = i == 0 ? CUDNN_NON_DETERMINISTIC : CUDNN_DETERMINISTIC;
    list[i].mathType = math;
  }
  *returned = fake_state()->no_algorithm ? 2 : 3;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t begin_convolution(int algorithm, void* workspace, size_t bytes, bool fit) {
  FAKE_CUDNN_CALL;
  if (algorithm != 2 || bytes != kWorkspace || !fit) return CUDNN_STATUS_BAD_PARAM;
  std::memset(workspace, 0xCC, bytes);  // it is the algorithm's own
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* c) { return create(c); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t c) { return destroy(c); }
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int pad_h, int pad_w, int u,
                                              int v, int dil_h, int dil_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t) {
  FAKE_CUDNN_CALL;
  if (mode != CUDNN_CROSS_CORRELATION) return CUDNN_STATUS_BAD_PARAM;
  *c = {pad_h, pad_w, u, v, dil_h, dil_w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t c, int groups) {
  FAKE_CUDNN_CALL;
  c->groups = groups;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t c, cudnnMathType_t math) {
  FAKE_CUDNN_CALL;
  c->math = math;
  fake_state()->math = int(math);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                     const cudnnFilterDescriptor_t,
                                                     const cudnnConvolutionDescriptor_t c,
                                                     const cudnnTensorDescriptor_t, int requested,
                                                     int* returned, cudnnConvolutionFwdAlgoPerf_t* list) {
  return list_algorithms(requested, returned, list, c->math);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, const cudnnFilterDescriptor_t,
                                                          const cudnnTensorDescriptor_t,
                                                          const cudnnConvolutionDescriptor_t c,
                                                          const cudnnTensorDescriptor_t, int requested,
                                                          int* returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* list) {
  return list_algorithms(requested, returned, list, c->math);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                            const cudnnTensorDescriptor_t,
                                                            const cudnnConvolutionDescriptor_t c,
                                                            const cudnnFilterDescriptor_t, int requested,
                                                            int* returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* list) {
  return list_algorithms(requested, returned, list, c->math);
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t, const void* alpha, const cudnnTensorDescriptor_t x,
                                      const void* in, const cudnnFilterDescriptor_t w, const void* filters,
                                      const cudnnConvolutionDescriptor_t c,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace, size_t bytes,
                                      const void* beta, const cudnnTensorDescriptor_t y, void* out) {
  const cudnnStatus_t begun = begin_convolution(algorithm, workspace, bytes, fits(*x, *w, *c, *y));
  if (begun != CUDNN_STATUS_SUCCESS) return begun;
  std::vector<double> sums(size_t(y->n * y->n_stride));
  for_each_product(*x, *w, *c, *y, [&](int64_t i, int64_t j, int64_t k) {
    sums[size_t(k)] += double(floats(in)[i]) * double(floats(filters)[j]);
  });
  for (size_t i = 0; i < sums.size(); i++) blend(floats(out) + i, sums[i], alpha, beta);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t, const void* alpha, const cudnnFilterDescriptor_t w,
                                           const void* filters, const cudnnTensorDescriptor_t y,
                                           const void* grad, const cudnnConvolutionDescriptor_t c,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                           size_t bytes, const void* beta, const cudnnTensorDescriptor_t x,
                                           void* out) {
  const cudnnStatus_t begun = begin_convolution(algorithm, workspace, bytes, fits(*x, *w, *c, *y));
  if (begun != CUDNN_STATUS_SUCCESS) return begun;
  std::vector<double> sums(size_t(x->n * x->n_stride));
  for_each_product(*x, *w, *c, *y, [&](int64_t i, int64_t j, int64_t k) {
    sums[size_t(i)] += double(floats(grad)[k]) * double(floats(filters)[j]);
  });
  for (size_t i = 0; i < sums.size(); i++) blend(floats(out) + i, sums[i], alpha, beta);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t, const void* alpha,
                                             const cudnnTensorDescriptor_t x, const void* in,
                                             const cudnnTensorDescriptor_t y, const void* grad,
                                             const cudnnConvolutionDescriptor_t c,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                                             size_t bytes, const void* beta, const cudnnFilterDescriptor_t w,
                                             void* out) {
  const cudnnStatus_t begun = begin_convolution(algorithm, workspace, bytes, fits(*x, *w, *c, *y));
  if (begun != CUDNN_STATUS_SUCCESS) return begun;
  std::vector<double> sums(size_t(w->k * w->c * w->h * w->w));
  for_each_product(*x, *w, *c, *y, [&](int64_t i, int64_t j, int64_t k) {
    sums[size_t(j)] += double(floats(grad)[k]) * double(floats(in)[i]);
  });
  for (size_t i = 0; i < sums.size(); i++) blend(floats(out) + i, sums[i], alpha, beta);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t, const void* alpha, const cudnnTensorDescriptor_t y,
                                           const void* grad, const void* beta,
                                           const cudnnTensorDescriptor_t b, void* out) {
  FAKE_CUDNN_CALL;
  if (b->c != y->c) return CUDNN_STATUS_BAD_PARAM;
  std::vector<double> sums(size_t(b->c));
  for_each(*y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    sums[size_t(c)] += floats(grad)[y->at(n, c, h, w)];
  });
  for (size_t i = 0; i < sums.size(); i++) blend(floats(out) + i, sums[i], alpha, beta);
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
