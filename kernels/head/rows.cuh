// A classifier's head, from the last map to the loss and back to that map's gradient: pooling, dense layers, softmax
// cross-entropy and the gradients of the data in one launch, because each row goes its way alone.
//
// Tensors:  head.h; any alignment. Weights are K,C.
// A block owns kRows rows, whose values lie in shared memory as quads, one a channel: [C + K + K' + ...][kRows]. A weight is
//           so loaded once a block and pass, from L2, and multiplied with a quad.
//   forward   a warp kOutputs outputs and, where there are few, a part of their sums: its lanes go along C, where weights
//             are contiguous, and a quad is loaded once for all the outputs.
//   loss      a warp a row, by the code of softmax_xent.
//   backward  a thread a column c and, where there are few, a part of the sum over K: its neighbours have the columns beside
//             it, so that here too weights coalesce, and the quad of dz is one for the whole warp. Gradients take the place
//             of the values that they belong to.
// Sums of parts are added in order. Shared memory: 16 bytes a channel of all layers, as many of the widest layer and of at
// least 512, and an arg-max byte each of what is pooled: 18 KB for LeNet-5. Registers: at most 64.
// Cost:     4 N W FLOPs for W weights, which all blocks read twice: 2 N W bytes of L2 with kRows = 4. LeNet-5 at N=128 (W =
//           58,920): 30 MFLOP and 15 MB, 472 KB a block, 7,400 clocks at the 64 bytes a clock of a multiprocessor: 4 us on
//           an H200 at 1.8 GHz, where launches one by one take 8 times 2 to 3 us. Bound by that, not by DRAM.
// Rung:     the only one; what it is an alternative to are the ops that it is made of.
#pragma once
#include "kernels/head/layers.cuh"
#include "kernels/head/pooling.cuh"

namespace gabor::kernels::head {

struct RowsConfig {
  static constexpr int kThreads = 512, kWarps = kThreads / 32;
  static constexpr int kRows = 4;     // of a block: a quad
  static constexpr int kOutputs = 4;  // of a warp in forward, at once
  static_assert(kOutputs * kRows <= 32, "a lane for each sum");
  static_assert(kRows <= kWarps, "a warp for each row in the loss");
};

template <class Config>
__global__ void __launch_bounds__(Config::kThreads) head_rows(RowsParams g, TotalsParams totals) {
  constexpr int kRows = Config::kRows;
  DYN_SHARED(float, quads);
  float* const scratch = quads + g.scratch;
  auto* const taps = reinterpret_cast<uint8_t*>(quads + g.taps);
  const int64_t first = int64_t{blockIdx.x} * kRows;
  const Share share{first, int(min(int64_t{kRows}, g.N - first))};
  if (g.pools) {
    pool_rows<Config>(g, share, quads, taps);
  } else {
    load_rows<Config>(g, share, quads);
  }
  __syncthreads();
  float* x = quads;
  for (int i = 0; i < g.layers; ++i) {
    const Layer l = g.layer[i];
    forward_layer<Config>(l, share, x, x + kRows * l.C, scratch);
    x += kRows * l.C;
  }
  const Totals t = loss_of_rows<Config>(g, share, x, scratch);
  for (int i = g.layers - 1; i > 0; --i) {
    const Layer l = g.layer[i], before = g.layer[i - 1];
    float* const y = x - kRows * l.C;
    backward_layer<Config>(l, x, scratch, [&](int at, float dy) {
      y[at] = before.relu ? dy * relu_slope(y[at]) : dy;
      store_rows<Config>(before.dz, before.K, share, at, y[at]);
    });
    x = y;
  }
  if (g.dx != nullptr) {
    backward_layer<Config>(g.layer[0], x, scratch, [&](int at, float dy) {
      if (!g.pools) return store_rows<Config>(g.dx, g.layer[0].C, share, at, dy);
      quads[at] = g.pool.relu ? dy * relu_slope(quads[at]) : dy;
    });
    if (g.pools) unpool_rows<Config>(g, share, quads, taps);
  }
  write_totals<Config::kThreads>(totals, t);
}

}  // namespace gabor::kernels::head
