#include "core/problem/first_block.h"
#include "kernels/bounds/report.h"
#include "kernels/first_block/backward_tiled.cuh"
#include "kernels/first_block/first_block.h"
#include "kernels/first_block/forward_tiled.cuh"
#include "kernels/gemm/ffma.cuh"
#include "kernels/gemm/gemm.h"
#include "kernels/head/head.h"
#include "kernels/head/rows.cuh"
#include "kernels/head/wgrad.cuh"

namespace gabor::kernels::bounds {
namespace {

double up(double v, double unit) { return double(int64_t((v + unit - 1) / unit)) * unit; }

Work dense(const DenseProblem& p, gemm::Pass pass, gemm::Storage storage, const Card& card) {
  const gemm::Plan plan = gemm::choose(p, pass, storage, false, {card.capability, card.multiprocessors});
  const int size = storage == gemm::Storage::f32 ? 4 : 2;
  const bool mma = plan.rung == gemm::Rung::tensor_64 || plan.rung == gemm::Rung::tensor_128;
  void* at = nowhere<void>();
  float* f = nowhere<float>();
  const JoinMemory memory{f, nowhere<unsigned>()};
  Work w;
  w.engine = mma ? Engine::half : Engine::ffma;
  w.asked = w.issued = double(p.flops());
  const double x = double(p.N * p.C), k = double(p.K * p.C), y = double(p.N * p.K);
  w.dram = (x + y) * size + k * (pass == gemm::Pass::wgrad ? 4 : size);
  w.launches = launches_of([&] {
    if (pass == gemm::Pass::fprop) gemm::fprop(plan, p, storage, at, at, f, at, memory, nullptr);
    if (pass == gemm::Pass::dgrad) gemm::dgrad(plan, p, storage, at, at, at, false, memory, nullptr);
    if (pass == gemm::Pass::wgrad) gemm::wgrad(plan, p, storage, at, at, f, f, false, memory, nullptr);
  });
  const double partial = plan.splits > 1 ? 2.0 * double(gemm::workspace_bytes(p, pass, plan)) : 0;
  const double M = double(pass == gemm::Pass::wgrad ? p.K : p.N),
               N = double(pass == gemm::Pass::fprop ? p.K : p.C);
  const double K = double(p.flops()) / 2 / M / N;
  if (plan.rung == gemm::Rung::skinny || plan.rung == gemm::Rung::naive) {
    w.l2 = w.dram + partial;  // the big matrix once
    return w;
  }
  const bool wide = plan.rung == gemm::Rung::ffma_128 || plan.rung == gemm::Rung::tensor_128;
  const double edge = wide ? 128 : 64;
  w.issued = 2 * up(M, edge) * up(N, edge) * K;
  w.l2 = K * (M * up(N, edge) + N * up(M, edge)) / edge * size + M * N * 4 + partial;
  return w;
}

FirstBlockProblem first_block_of(Conv2dProblem conv) {
  conv.activation.kind = ActivationKind::relu;
  FirstBlockProblem p{.conv = conv, .pool = {}, .input = DType::u8, .normalize = {}};
  p.pool.N = conv.N, p.pool.H = conv.P(), p.pool.W = conv.Q(), p.pool.C = conv.K;
  return p;
}

// What the two passes move: pictures, pooled map, arg-max.
double first_block_bytes(const FirstBlockProblem& p) {
  return double(p.conv.x_shape().count()) + double(p.pool.y_shape().count()) * 4 +
         double(p.conv.N) * double(first_block_argmax_bytes(p));
}

Work first_block_fprop(const FirstBlockProblem& p) {
  Work w;
  w.launches = launches_of([&] {
    first_block_forward(p, Storage::f32, nowhere<void>(), nowhere<void>(), nowhere<float>(), nowhere<void>(),
                        nowhere<uint8_t>(), nullptr);
  });
  using Config = first_block::ForwardConfig<16, 8, 1>;
  const auto& launch = w.launches.front();
  const double outputs = 2.0 * Config::kPlanes;  // of the convolution, a thread and filter
  const double filters =
      up(double(p.conv.K), 10) <= up(double(p.conv.K), 8) ? 10 : 8;  // forward_tiled.cu: choose
  w.asked = double(p.conv.flops());
  w.issued = 2.0 * launch.grid.x * launch.block.x * outputs * up(double(p.conv.K), filters) *
             double(p.conv.reduction());
  w.dram = w.l2 = first_block_bytes(p);
  return w;
}

Work first_block_wgrad(const FirstBlockProblem& p, const Card& card) {
  Work w;
  const int slices = first_block_slices(p, card.multiprocessors);
  w.launches = launches_of([&] {
    first_block_backward(p, Storage::f32, nowhere<void>(), nowhere<uint8_t>(), nowhere<void>(),
                         nowhere<float>(), nowhere<float>(), false, slices,
                         {nowhere<float>(), nowhere<unsigned>()}, nullptr);
  });
  const double windows = double(p.pool.y_shape().count());
  w.asked = 2 * windows * double(p.conv.reduction());  // of windows that are alive: at most all
  w.issued = 2 * windows * up(double(p.conv.reduction()), 32);
  // A product loads its pixel: 32 lanes a cycle of shared memory, and the window for every 3 of them.
  w.shared_cycles = windows * (up(double(p.conv.reduction()), 32) / 32 + 1) / card.multiprocessors;
  w.dram = first_block_bytes(p);
  w.l2 = w.dram + 2.0 * double(first_block_workspace_bytes(p, slices));
  return w;
}

// On tensor cores: of two rows of the full-size map a step of 16 columns, whole tiles of rows, 16 filters and 16 taps a row;
// `parts` products for one.
Work on_tensor_cores(const FirstBlockProblem& p, double asked, double parts) {
  Work w;
  w.engine = Engine::half;
  w.asked = asked;
  const double pixels = double(p.conv.N) * 2 * up(double(p.pool.P()), 8) * 2 * up(double(p.pool.Q()), 8);
  w.issued = parts * 2 * pixels * up(double(p.conv.K), 16) * 16 * double(p.conv.R);
  w.dram = w.l2 = first_block_bytes(p);
  return w;
}

Work first_block_tensor_fprop(const FirstBlockProblem& p, const Card& card) {
  Work w = on_tensor_cores(p, double(p.conv.flops()), 2);
  w.launches = launches_of([&] {
    first_block_forward(p, Storage::f32, nowhere<void>(), nowhere<void>(), nowhere<float>(), nowhere<void>(),
                        nowhere<uint8_t>(), nullptr, FirstBlockRung::tensor, card.multiprocessors);
  });
  return w;
}

Work first_block_tensor_wgrad(const FirstBlockProblem& p, const Card& card) {
  Work w = on_tensor_cores(p, 2 * double(p.pool.y_shape().count()) * double(p.conv.reduction()), 3);
  const int slices = first_block_tensor_slices(p, card.multiprocessors);
  w.launches = launches_of([&] {
    first_block_backward(p, Storage::f32, nowhere<void>(), nowhere<uint8_t>(), nowhere<void>(),
                         nowhere<float>(), nowhere<float>(), false, slices,
                         {nowhere<float>(), nowhere<unsigned>()}, nullptr, FirstBlockRung::tensor);
  });
  w.l2 += 2.0 * double(first_block_workspace_bytes(p, slices));
  return w;
}

HeadProblem lenet5_head() {
  HeadProblem p;
  p.N = 128, p.layers = 3;
  Pool2dProblem pool{.N = p.N, .H = 10, .W = 10, .C = 16, .pad = {}, .relu = true};
  p.pool = pool;
  const int64_t widths[] = {400, 120, 84, 10};
  for (size_t i = 0; i < 3; ++i)
    p.dense[i] = {.N = p.N, .C = widths[i], .K = widths[i + 1], .activation = {}};
  return p;
}

// What each of the two launches moves of every layer: what it reads, its outputs, their gradients, the weights (or theirs).
double head_bytes(const HeadProblem& p) {
  double floats = double(p.weights() + p.N * p.layer(0).C);
  for (int i = 0; i < p.layers; ++i) floats += 2 * double(p.N * p.layer(i).K);
  return floats * 4;
}

Work head_to_the_loss_and_back(const HeadProblem& p) {
  using Config = head::RowsConfig;
  Work w;
  w.launches = launches_of([&] { head_rows(p, {}, 1, {nowhere<float>(), nowhere<unsigned>()}, nullptr); });
  w.asked = 4 * double(p.N * p.weights());
  const double rows = up(double(p.N), Config::kRows);
  for (int i = 0; i < p.layers; ++i) {
    const double C = up(double(p.layer(i).C), 32), K = double(p.layer(i).K);
    w.issued += 2 * rows * C * (up(K, Config::kOutputs) + K);
  }
  w.dram = head_bytes(p) + 2 * double(p.pool->x_shape().count()) * 4;
  w.l2 = w.dram + rows / Config::kRows * 2 * double(p.weights()) * 4;
  return w;
}

Work head_parameters(const HeadProblem& p) {
  using Config = head::WgradConfig;
  Work w;
  w.launches = launches_of([&] { head_wgrad(p, {}, false, nullptr); });
  w.asked = 2 * double(p.N * p.weights());
  const double N = up(double(p.N), Config::kRows);
  for (int i = 0; i < p.layers; ++i)
    w.issued += 2 * N * up(double(p.layer(i).C), Config::kTileC) * up(double(p.layer(i).K), Config::kTileK);
  w.dram = head_bytes(p);
  w.l2 = w.launches.front().grid.x * N * (Config::kTileC + Config::kTileK) * 4 + double(p.weights()) * 4;
  return w;
}

const FirstBlockProblem kArticle = first_block_of(
    {.N = 128, .H = 300, .W = 300, .C = 3, .K = 10, .R = 5, .S = 5, .pad = {}, .activation = {}});
const FirstBlockProblem kLeNet = first_block_of(
    {.N = 128, .H = 28, .W = 28, .C = 1, .K = 6, .R = 5, .S = 5, .pad = {2, 2, 2, 2}, .activation = {}});

}  // namespace

std::string dense_rows() {
  const struct {
    const char* name;
    DenseProblem p;
  } layers[] = {{"article, 219,040 to 2", {.N = 128, .C = 219040, .K = 2, .activation = {}}},
                {"LeNet-5, 400 to 120", {.N = 128, .C = 400, .K = 120, .activation = {}}},
                {"4096 to 4096", {.N = 128, .C = 4096, .K = 4096, .activation = {}}}};
  const struct {
    const char* name;
    gemm::Storage storage;
  } maths[] = {{"f32", gemm::Storage::f32}, {"bf16", gemm::Storage::bf16}};
  std::string out = table_head();
  for (const auto& layer : layers)
    for (const auto& math : maths)
      for (const auto& [name, pass] : {std::pair{"fprop", gemm::Pass::fprop},
                                       {"dgrad", gemm::Pass::dgrad},
                                       {"wgrad", gemm::Pass::wgrad}})
        out += row(std::string(layer.name) + ", " + name + " " + math.name,
                   [&](const Card& card) { return dense(layer.p, pass, math.storage, card); });
  return out;
}

std::string first_block_rows() {
  std::string out = table_head();
  for (const auto& [name, p] : {std::pair{"article", &kArticle}, {"LeNet-5", &kLeNet}}) {
    out += row(std::string(name) + ", forward", [p = p](const Card&) { return first_block_fprop(*p); });
    out += row(std::string(name) + ", backward",
               [p = p](const Card& card) { return first_block_wgrad(*p, card); });
    out += row(std::string(name) + ", forward, tensor",
               [p = p](const Card& card) { return first_block_tensor_fprop(*p, card); });
    out += row(std::string(name) + ", backward, tensor",
               [p = p](const Card& card) { return first_block_tensor_wgrad(*p, card); });
  }
  return out;
}

std::string head_launch_rows() {
  const HeadProblem p = lenet5_head();
  return table_head() +
         row("LeNet-5, to the loss and back", [&](const Card&) { return head_to_the_loss_and_back(p); }) +
         row("LeNet-5, gradients of parameters", [&](const Card&) { return head_parameters(p); });
}

Step article_step(const Card& card) {
  const DenseProblem head{.N = 128, .C = 219040, .K = 2, .activation = {}};
  const auto f32 = gemm::Storage::f32;
  const bool tensor = card.half > 0;
  return {
      floor_seconds(tensor ? first_block_tensor_fprop(kArticle, card) : first_block_fprop(kArticle), card) +
          floor_seconds(dense(head, gemm::Pass::fprop, f32, card), card),
      floor_seconds(dense(head, gemm::Pass::dgrad, f32, card), card) +
          floor_seconds(dense(head, gemm::Pass::wgrad, f32, card), card) +
          floor_seconds(tensor ? first_block_tensor_wgrad(kArticle, card) : first_block_wgrad(kArticle, card),
                        card)};
}

}  // namespace gabor::kernels::bounds
