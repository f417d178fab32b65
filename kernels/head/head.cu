#include <algorithm>
#include <string>

#include "kernels/common/dispatch.cuh"
#include "kernels/head/head.h"
#include "kernels/head/rows.cuh"
#include "kernels/head/wgrad.cuh"

namespace gabor::kernels {
namespace {

using head::RowsConfig;
using head::WgradConfig;

constexpr int kRows = RowsConfig::kRows;

// What the dynamic shared memory of a block is for.
struct SharedMemory {
  int64_t rows, scratch;  // floats
  int64_t taps;           // bytes

  explicit SharedMemory(const HeadProblem& p) {
    int64_t channels = p.layer(0).C, widest = std::max<int64_t>(channels, RowsConfig::kThreads);
    for (int i = 0; i < p.layers; ++i) channels += p.layer(i).K, widest = std::max(widest, p.layer(i).K);
    rows = kRows * channels;
    scratch = kRows * std::max(widest, 2 * p.classes());  // of the loss: logits and their gradients
    taps = p.pool ? kRows * p.layer(0).C : 0;
  }
  int64_t bytes() const { return (rows + scratch) * int64_t{sizeof(float)} + taps; }
};

int64_t blocks_of(const HeadProblem& p) { return simt::ceil_div<int64_t>(p.N, kRows); }

head::RowsParams rows_params(const HeadProblem& p, const HeadPointers& t, float scale) {
  head::RowsParams g{};
  g.N = p.N, g.layers = p.layers;
  for (size_t i = 0; i < size_t(p.layers); ++i) {
    const DenseProblem& d = p.dense[i];
    g.layer[i] = {
        t.w[i], t.b[i], t.y[i], t.dz[i], int(d.C), int(d.K), d.activation.kind == ActivationKind::relu};
  }
  g.pools = p.pool.has_value();
  if (p.pool) g.pool = pool_params(*p.pool, false);
  g.x = t.x, g.pooled = t.pooled, g.dx = t.dx;
  g.labels = t.labels, g.two_labels = p.two_labels;
  g.smoothing = p.label_smoothing, g.scale = scale;
  const SharedMemory shared(p);
  g.scratch = int(shared.rows), g.taps = int(shared.rows + shared.scratch);
  return g;
}

void refuse(const HeadProblem& p) {
  if (const char* why = head_refuses(p)) throw simt::Error(std::string("head: ") + why);
}

}  // namespace

// Where the ops one by one are the better choice. They are 2 launches a layer (forward, both gradients), 2 of pooling and the
// loss, of which a head leaves 2; a launch is worth some 2 us. What a head pays is the cache: its blocks read all W weights twice
// for kRows rows, where tiles of the products read them once for 64.
//   - One block reads 8 W bytes at the 64 bytes a clock of its multiprocessor: 2^15 weights take 4,096 clocks, 2.3 us.
//   - All of them read 2 N W bytes: at N W = 2^22 8 MB, 1.5 us at an H100's 5.5 TB/s of L2. (FLOPs are those of the products.)
//   - What is pooled passes through the few multiprocessors that have a block: 2^14 elements of kRows rows, read and written,
//     are 512 KB, 5 us at 100 GB/s, for the two launches of pooling.
const char* head_refuses(const HeadProblem& p) {
  constexpr int64_t kWeights = 1 << 15, kProducts = 1 << 22;  // a launch that is saved
  constexpr int64_t kMostPooled = 1 << 14;
  constexpr int64_t kMostShared = 48 * 1024 - 256;  // what needs no opt-in, but for the sums of the loss
  const int64_t saved = 2 * p.layers + (p.pool ? 2 : 0) + 1 - 2;
  if (p.weights() > kWeights * saved) return "more weights than the launches it saves are worth";
  if (p.N > kProducts * saved / p.weights()) return "more rows than the launches it saves are worth";
  if (p.pool && p.pool->R * p.pool->S > 256) return "the pooling window has more than 256 taps";
  if (p.pool && p.pool->H * p.pool->W * p.pool->C > kMostPooled) return "more than 16384 elements to pool";
  if (SharedMemory(p).bytes() > kMostShared) return "its layers are too wide for shared memory";
  return nullptr;
}

size_t head_workspace_bytes(const HeadProblem& p) {
  return size_t(blocks_of(p)) * (sizeof(float) + 2 * sizeof(int));
}

void head_rows(const HeadProblem& p, const HeadPointers& t, float scale, const JoinMemory& memory,
               Stream stream) {
  refuse(p);
  LaunchConfig config = grid_of(dim3(unsigned(blocks_of(p))), RowsConfig::kThreads, stream);
  config.smem = size_t(SharedMemory(p).bytes());
  launch(config, head::head_rows<RowsConfig>, rows_params(p, t, scale),
         totals_params(blocks_of(p), memory, t.loss, t.counts));
}

void head_wgrad(const HeadProblem& p, const HeadPointers& t, bool accumulate, Stream stream) {
  refuse(p);
  head::WgradParams g{};
  g.N = p.N, g.accumulate = accumulate;
  unsigned tiles = 0;
  for (size_t i = 0; i < size_t(p.layers); ++i) {
    const DenseProblem& d = p.dense[i];
    const float* x = i > 0 ? t.y[i - 1] : p.pool ? t.pooled : t.x;
    const int64_t of_layer =
        simt::ceil_div<int64_t>(d.K, WgradConfig::kTileK) * simt::ceil_div<int64_t>(d.C, WgradConfig::kTileC);
    g.layer[i] = {x, t.dz[i], t.dw[i], t.db[i], int(d.C), int(d.K), int(of_layer)};
    tiles += unsigned(of_layer);
  }
  launch(grid_of(dim3(tiles), WgradConfig::kThreads, stream), head::head_wgrad<WgradConfig>, g);
}

}  // namespace gabor::kernels
