// A window that sweeps over an image: which pixel of the image the window at a position reads through a tap. The
// passes of a convolution differ in little else, so their implicit GEMMs share this.
//   fprop, wgrad  the image is x, a position one of y (p, q), a tap (r, s): h = p stride - pad + r dil
//   dgrad         the image is dy, a position one of dx, of one class of rows and columns (dgrad_class)
#pragma once
#include "core/problem/conv2d.h"
#include "kernels/common/fast_divide.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels::conv2d {

struct SweepAxis {
  int32_t positions, taps;
  int32_t step, origin, tap_step;  // pixel = position * step + origin + tap * tap_step
  int32_t extent;                  // pixels are 0 .. extent - 1; outside they are 0
};

// Where one position's window is put, in numbers that a thread can keep: 3 registers.
struct WindowPlace {
  int32_t row, column;  // of tap (0, 0); may be outside
  int32_t pixel;        // index of that in N,H,W
};

struct TapPlace {
  int32_t row, column, pixel;  // relative to the WindowPlace
  int32_t channel;             // of the group
  bool valid;
};

struct Sweep {
  SweepAxis vertical, horizontal;
  int32_t pitch;           // channels of a pixel, of all groups
  int32_t group_channels;  // of one group: the fastest index of the taps r,s,c
  FastDivide positions_of_image, positions_of_row, taps_of_row, channels;

  Sweep(SweepAxis v, SweepAxis h, int64_t all_channels, int64_t channels_of_group)
      : vertical(v),
        horizontal(h),
        pitch(int32_t(all_channels)),
        group_channels(int32_t(channels_of_group)),
        positions_of_image(v.positions * h.positions),
        positions_of_row(h.positions),
        taps_of_row(h.taps > 0 ? h.taps * group_channels : 1),
        channels(group_channels) {}

  int32_t depth() const { return vertical.taps * horizontal.taps * group_channels; }

  // Position m of N,positions,positions.
  __device__ WindowPlace place(int32_t m) const {
    const int32_t n = positions_of_image.split(m);
    const int32_t i = positions_of_row.split(m);
    const int32_t row = i * vertical.step + vertical.origin, column = m * horizontal.step + horizontal.origin;
    return {row, column, (n * vertical.extent + row) * horizontal.extent + column};
  }
  // A place that no tap moves inside the image.
  __device__ static WindowPlace nowhere() { return {-(1 << 30), -(1 << 30), 0}; }

  // Element d of r,s,c.
  __device__ TapPlace tap(int32_t d, bool valid) const {
    const int32_t r = taps_of_row.split(d);
    const int32_t s = channels.split(d);
    const int32_t row = r * vertical.tap_step, column = s * horizontal.tap_step;
    return {row, column, row * horizontal.extent + column, d, valid};
  }

  __device__ bool inside(const WindowPlace& at, const TapPlace& tap) const {
    return tap.valid && uint32_t(at.row + tap.row) < uint32_t(vertical.extent) &&
           uint32_t(at.column + tap.column) < uint32_t(horizontal.extent);
  }
  // Of the element, in the image tensor; group 0. Only if inside.
  __device__ int64_t offset(const WindowPlace& at, const TapPlace& tap) const {
    return int64_t(at.pixel + tap.pixel) * pitch + tap.channel;
  }
};

// The sweep of fprop and wgrad over x.
inline Sweep forward_sweep(const Conv2dProblem& p) {
  const SweepAxis v{int32_t(p.P()),      int32_t(p.R),     int32_t(p.stride_h),
                    int32_t(-p.pad.top), int32_t(p.dil_h), int32_t(p.H)};
  const SweepAxis h{int32_t(p.Q()),       int32_t(p.S),     int32_t(p.stride_w),
                    int32_t(-p.pad.left), int32_t(p.dil_w), int32_t(p.W)};
  return Sweep(v, h, p.C, p.C / p.groups);
}

}  // namespace gabor::kernels::conv2d
