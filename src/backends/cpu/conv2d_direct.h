// Own convolution for few channels, where a library that thinks in blocks of 16 channels works mostly on
// zeros (LeNet's 1 -> 6 and 6 -> 16, a first layer of 3). In NHWC a row of taps is S*C contiguous floats, so
// a filter is R dot products of that length, and lanes go over K. All problems are computed rightly, only not
// all fast.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/problem/conv2d.h"
#include "ops/support.h"

namespace gabor::cpu {

bool direct_is_faster(const Conv2dProblem& p,
                      Pass pass);  // than oneDNN, as measured (tools/bench/cpu_ops_bench)
size_t direct_workspace(const Conv2dProblem& p, Pass pass);  // bytes

// Shapes as in ops/conv2d.h; workspace aligned to 64 bytes, direct_workspace() long. b and db may be null.
// fprop applies the activation. Results do not depend on the number of threads.
void direct_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                  void* workspace);
void direct_dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx, bool accumulate,
                  void* workspace);
void direct_wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw, float* db,
                  bool accumulate, void* workspace);

// --- shared by the kernel files ----------------------------------------------------------------------------

size_t direct_fprop_workspace(const Conv2dProblem& p);
size_t direct_dgrad_workspace(const Conv2dProblem& p);
size_t direct_wgrad_workspace(const Conv2dProblem& p);

// Taps whose x are contiguous: whole rows of the filter when nothing lies between them, else single taps.
struct Runs {
  int64_t count = 1, length = 1;   // length in floats
  int64_t per_row = 1;             // runs in a filter row
  int64_t row_step = 0, step = 0;  // floats of x from a filter row, and from a run, to the next
  int64_t offset(int64_t run) const { return run / per_row * row_step + run % per_row * step; }
};
// x_width: floats of a (padded) row of x.
Runs runs_of(const Conv2dProblem& p, int64_t x_width);

// One row of outputs: see conv2d_direct-inl.h.
struct DirectRow {
  Runs runs;
  const float* x;      // first tap of q = 0
  int64_t x_step;      // floats from one q to the next
  const float* w;      // packed: filter tiles, then runs and j, then the tile's filters, aligned to 64 bytes
  int64_t w_taps;      // taps packed for each filter
  int64_t w_skip = 0;  // of which these lie between one run and the next
  const float* bias;   // padded to whole tiles, aligned
  float* y;            // q = 0, first filter
  int64_t y_step;      // floats from one q to the next
  int64_t filters, Q;
};

// A band: consecutive rows of y of one image, with the rows of x that they read laid out as if padding were
// data.
struct Bands {
  int64_t rows = 1;       // of y in a band (the last of an image may have fewer)
  int64_t per_image = 1;  // number of bands
  int64_t x_rows = 1;     // rows of x that a full band reads
  int64_t x_width = 1;    // floats of a padded row of x
  bool copied = false;    // whether x is padded and so copied to scratch, x_rows * x_width floats
  int64_t scratch() const { return copied ? x_rows * x_width : 0; }
};
Bands bands_of(const Conv2dProblem& p);

// Row 0 of the band's x in padded coordinates: inside x when nothing is padded, else in scratch, which is
// filled.
const float* band_input(const Conv2dProblem& p, const Bands& bands, const float* x, int64_t n,
                        int64_t first_row, int64_t rows, float* scratch);

// Floats in whole cache lines, so that each piece of a workspace is aligned and no two threads share a line.
constexpr int64_t whole_lines(int64_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace gabor::cpu
