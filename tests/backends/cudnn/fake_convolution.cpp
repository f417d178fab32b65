// The older convolution calls of the fake library.
#include <cstring>

#include "backends/cudnn/fake_products.h"

namespace {

// Half of the algorithms that heuristics list are not to be taken: one is not deterministic, one wants too much memory.
template <class Performance>
cudnnStatus_t list_algorithms(int requested, int* returned, Performance* list, cudnnMathType_t math) {
  FAKE_CUDNN_CALL;
  if (requested < 3) return CUDNN_STATUS_BAD_PARAM;
  constexpr int kOrder[] = {0, 4, 1};
  for (int i = 0; i < 3; i++) {
    list[i] = {};
    list[i].algo = decltype(list[i].algo)(kOrder[i]);
    list[i].status = CUDNN_STATUS_SUCCESS;
    list[i].memory = i == 1 ? size_t{1} << 40 : fake_state()->algorithm_bytes;
    list[i].determinism = i == 0 ? CUDNN_NON_DETERMINISTIC : CUDNN_DETERMINISTIC;
    list[i].mathType = math;
  }
  if (fake_state()->only_fft) list[2].algo = decltype(list[2].algo)(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT);
  *returned = fake_state()->no_algorithm ? 2 : 3;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t begin_convolution(int algorithm, void* workspace, size_t bytes, bool fit) {
  FAKE_CUDNN_CALL;
  if (algorithm != 1 || bytes != fake_state()->algorithm_bytes || !fit) return CUDNN_STATUS_BAD_PARAM;
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
  const auto sums = convolve(*x, *w, *c, *y, Result::y, floats(in), floats(filters), nullptr);
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
  const auto sums = convolve(*x, *w, *c, *y, Result::x, nullptr, floats(filters), floats(grad));
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
  const auto sums = convolve(*x, *w, *c, *y, Result::w, floats(in), nullptr, floats(grad));
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
