// A convolution on the host, for both of the fake library's convolution APIs.
#pragma once
#include <vector>

#include "backends/cudnn/fake_types.h"

inline bool fits(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
                 const cudnnTensorStruct& y) {
  const auto out = [](int64_t in, int64_t pad, int64_t window, int64_t dil, int64_t stride) {
    return (in + 2 * pad - ((window - 1) * dil + 1)) / stride + 1;
  };
  return y.n == x.n && y.c == w.n && w.c * c.groups == x.c &&
         y.h == out(x.h, c.pad_h, w.h, c.dil_h, c.stride_h) &&
         y.w == out(x.w, c.pad_w, w.w, c.dil_w, c.stride_w);
}

// f(place in x, place in w, place in y) for every product of a convolution.
template <class F>
void for_each_product(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
                      const cudnnTensorStruct& y, F f) {
  for_each(y, [&](int64_t n, int64_t k, int64_t p, int64_t q) {
    const int64_t group = k / (w.n / c.groups);
    for (int64_t r = 0; r < w.h; r++)
      for (int64_t s = 0; s < w.w; s++) {
        const int64_t h = p * c.stride_h - c.pad_h + r * c.dil_h, v = q * c.stride_w - c.pad_w + s * c.dil_w;
        if (h < 0 || h >= x.h || v < 0 || v >= x.w) continue;
        for (int64_t ch = 0; ch < w.c; ch++)
          f(x.at(n, group * w.c + ch, h, v), w.at(k, ch, r, s), y.at(n, k, p, q));
      }
  });
}

enum class Result { x, w, y };  // dgrad, wgrad, fprop

// The sums of one pass, by place; the pointer to its result is not read.
inline std::vector<double> convolve(const cudnnTensorStruct& x, const cudnnFilterStruct& w,
                                    const cudnnConvolutionStruct& c, const cudnnTensorStruct& y,
                                    Result result, const float* in, const float* filters, const float* grad) {
  const cudnnTensorStruct& to = result == Result::x ? x : result == Result::w ? w : y;
  std::vector<double> sums(size_t(to.n * to.n_stride));
  for_each_product(x, w, c, y, [&](int64_t i, int64_t j, int64_t k) {
    switch (result) {
      case Result::x:
        sums[size_t(i)] += double(grad[k]) * double(filters[j]);
        return;
      case Result::w:
        sums[size_t(j)] += double(grad[k]) * double(in[i]);
        return;
      case Result::y:
        sums[size_t(k)] += double(in[i]) * double(filters[j]);
    }
  });
  return sums;
}
