#include <algorithm>

#include "kernels/bounds/report.h"
#include "kernels/conv2d/choose.h"
#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/implicit_dgrad.cuh"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/implicit_wgrad.cuh"
#include "kernels/conv2d/tensor_core.h"
#include "kernels/conv2d/tensor_tiles.cuh"
#include "kernels/conv2d/tiles.cuh"

namespace gabor::kernels::bounds {
namespace {

using namespace conv2d;

// Kernels have these names too: the types tell the launchers.
using FpropLauncher = void (*)(const Conv2dProblem&, Storage, const void*, const void*, const float*, void*,
                               Stream);
using DgradLauncher = void (*)(const Conv2dProblem&, Storage, const void*, const void*, void*, bool, Stream);
using WgradLauncher = void (*)(const Conv2dProblem&, Storage, const void*, const void*, float*, float*, bool,
                               int, const JoinMemory&, Stream);

struct Tile {
  double rows, columns, depth;
};

double up(double v, double unit) { return double(int64_t((v + unit - 1) / unit)) * unit; }

Tile tile_of(int64_t rows, int64_t columns, bool wgrad, bool tensor_cores, int size) {
  Tile tile{};
  const auto ffma = [&]<class Config>(Config) {
    tile = {Config::kTileRows, Config::kTileColumns, Config::kTileDepth};
  };
  const auto mma = [&]<class Config>(Config) {
    tile = {Config::kTileRows, Config::kTileColumns, double(Config::kStepBytes / size)};
  };
  if (tensor_cores) {
    wgrad ? tensor::with_wgrad_tile(rows, columns, mma) : tensor::with_tile(columns, mma);
  } else {
    wgrad ? with_wgrad_tile(rows, columns, ffma) : with_tile(columns, ffma);
  }
  return tile;
}

// Adds a product of rows x columns over `depth`, as tiles compute it. Returns its blocks.
double add_product(Work& w, const Tile& t, double groups, double rows, double columns, double depth,
                   double size) {
  const double row_tiles = up(rows, t.rows) / t.rows, column_tiles = up(columns, t.columns) / t.columns;
  w.issued += 2 * groups * up(rows, t.rows) * up(columns, t.columns) * up(depth, t.depth);
  w.l2 += groups * depth * (rows * column_tiles + columns * row_tiles) * size;
  return groups * row_tiles * column_tiles;
}

double elements(int64_t a, int64_t b, int64_t c, int64_t d) {
  return double(a) * double(b) * double(c) * double(d);
}

Work work(const Conv2dProblem& p, Conv2dPass pass, Storage storage, const Card& card) {
  const Conv2dRung rung = conv2d_rung(p, pass, storage, card.capability, card.multiprocessors);
  const bool mma = rung == Conv2dRung::tensor, thin = rung == Conv2dRung::depthwise;
  const int size = storage == Storage::f32 ? 4 : 2;
  const double x = elements(p.N, p.H, p.W, p.C), y = elements(p.N, p.P(), p.Q(), p.K),
               k = elements(p.K, p.R, p.S, p.C / p.groups);
  const double groups = double(p.groups);
  void* at = nowhere<void>();
  float* f = nowhere<float>();
  Work w;
  w.engine = mma ? Engine::half : Engine::ffma;
  w.asked = double(p.flops());
  // Where the stride leaves out pixels, they are not read either.
  const double read = elements(p.N, std::min(p.H, p.P() * p.R), std::min(p.W, p.Q() * p.S), p.C);
  w.dram = ((pass == Conv2dPass::dgrad ? x : read) + y) * size + k * (pass == Conv2dPass::wgrad ? 4 : size);
  double blocks = 0;
  if (pass == Conv2dPass::fprop) {
    w.launches = launches_of([&] {
      FpropLauncher launcher = implicit_fprop;
      if (mma)
        launcher = [](const Conv2dProblem& q, Storage s, const void* x, const void* w, const float* b,
                      void* y, Stream stream) { tensor_fprop(q, s, x, w, b, y, stream); };
      if (thin) launcher = depthwise_fprop;
      launcher(p, storage, at, at, f, at, nullptr);
    });
    w.l2 = y * size;
    const Tile tile = tile_of(0, p.K / p.groups, false, mma, size);
    if (!thin)
      blocks =
          add_product(w, tile, groups, y / double(p.K), double(p.K) / groups, double(p.reduction()), size);
  } else if (pass == Conv2dPass::dgrad) {
    w.launches = launches_of([&] {
      DgradLauncher launcher = implicit_dgrad;
      if (mma)
        launcher = [](const Conv2dProblem& q, Storage s, const void* dy, const void* w, void* dx, bool add,
                      Stream stream) { tensor_dgrad(q, s, dy, w, dx, add, stream); };
      if (thin) launcher = depthwise_dgrad;
      launcher(p, storage, at, at, at, false, nullptr);
    });
    w.l2 = x * size;
    const Tile tile = tile_of(0, p.C / p.groups, false, mma, size);
    for (int64_t h = 0; !thin && h < p.stride_h; ++h)
      for (int64_t v = 0; v < p.stride_w; ++v) {
        const DgradParams a(p, h, v);
        blocks += add_product(w, tile, groups, a.rows, a.columns, a.depth, size);
      }
  } else {
    const int sms = card.multiprocessors;
    const int slices = (mma    ? tensor_wgrad_slices
                        : thin ? depthwise_wgrad_slices
                               : implicit_wgrad_slices)(p, sms);
    w.launches = launches_of([&] {
      WgradLauncher launcher = implicit_wgrad;
      if (mma)
        launcher = [](const Conv2dProblem& q, Storage s, const void* x, const void* dy, float* dw, float* db,
                      bool add, int n, const JoinMemory& memory,
                      Stream stream) { tensor_wgrad(q, s, x, dy, dw, db, add, n, memory, stream); };
      if (thin) launcher = depthwise_wgrad;
      launcher(p, storage, at, at, f, f, false, slices, {f, nowhere<unsigned>()}, nullptr);
    });
    w.l2 = 2.0 * double(implicit_wgrad_workspace(p, slices));
    const double columns = double(p.reduction()) + 1;
    const Tile tile = tile_of(p.K / p.groups, p.reduction() + 1, true, mma, size);
    if (!thin)
      blocks = slices * add_product(w, tile, groups, double(p.K) / groups, columns, y / double(p.K), size);
  }
  if (thin) {  // four outputs of a row a thread (DepthwiseConfig::kOutputs); every row of the window is read anew
    w.issued = w.asked * up(double(p.Q()), 4) / double(p.Q());
    w.l2 = ((x * double(p.R) / double(p.stride_h)) + y) * size;
    return w;
  }
  double launched = 0;
  for (const auto& l : w.launches) launched += double(l.grid.x) * l.grid.y * l.grid.z;
  if (launched != blocks) throw simt::Error("bounds: conv2d does not launch the blocks that its tiles say");
  return w;
}

// A square layer; a net's first has no dgrad.
struct Layer {
  const char* name;
  int64_t N, H, C, K, R, pad, stride, groups;
  bool first;
  Conv2dProblem problem() const {
    Conv2dProblem p;
    p.N = N, p.H = p.W = H, p.C = C, p.K = K, p.R = p.S = R, p.pad = {pad, pad, pad, pad};
    p.stride_h = p.stride_w = stride, p.groups = groups;
    return p;
  }
};

constexpr Layer kLayers[] = {{"article 5x5, 300x300x3 to 10, N=128", 128, 300, 3, 10, 5, 0, 1, 1, true},
                             {"LeNet-5 5x5, 14x14x6 to 16, N=128", 128, 14, 6, 16, 5, 0, 1, 1, false},
                             {"ResNet-18 3x3, 56x56x64, N=32", 32, 56, 64, 64, 3, 1, 1, 1, false},
                             {"3x3, 28x28x128, N=32", 32, 28, 128, 128, 3, 1, 1, 1, false},
                             {"3x3, 14x14x256, N=32", 32, 14, 256, 256, 3, 1, 1, 1, false},
                             {"3x3, 7x7x512, N=32", 32, 7, 512, 512, 3, 1, 1, 1, false},
                             {"3x3 stride 2, 56x56x64 to 128, N=32", 32, 56, 64, 128, 3, 1, 2, 1, false},
                             {"1x1 stride 2, 56x56x64 to 128, N=32", 32, 56, 64, 128, 1, 0, 2, 1, false},
                             {"depthwise 3x3, 56x56x128, N=32", 32, 56, 128, 128, 3, 1, 1, 128, false}};

}  // namespace

std::string conv2d_rows() {
  std::string out;
  for (const Layer& layer : kLayers) {
    const Conv2dProblem p = layer.problem();
    out += std::string("\n") + layer.name + ":\n\n" + table_head();
    for (const auto& [name, storage] : {std::pair{"f32", Storage::f32}, {"bf16", Storage::bf16}})
      for (const auto& [pass_name, pass] : {std::pair{"fprop", Conv2dPass::fprop},
                                            {"dgrad", Conv2dPass::dgrad},
                                            {"wgrad", Conv2dPass::wgrad}}) {
        if (layer.first && pass == Conv2dPass::dgrad) continue;
        const Conv2dRung rung = conv2d_rung(p, pass, storage, kH200.capability, kH200.multiprocessors);
        out += row(
            std::string(pass_name) + " " + name + ", " + name_of(rung),
            [&, pass = pass, storage = storage](const Card& card) { return work(p, pass, storage, card); });
      }
  }
  return out;
}

}  // namespace gabor::kernels::bounds
