// Families that move memory: a few FLOPs a byte, so that DRAM bounds them on every card. The examples are the largest maps of
// the nets that the zoo and the problem lists have.
#include "kernels/batchnorm/batchnorm.h"
#include "kernels/bounds/report.h"
#include "kernels/elementwise/cast.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/image/gather.h"
#include "kernels/image/image.h"
#include "kernels/mse/mse.h"
#include "kernels/norm/norm.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/pool2d/pool2d.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax_xent/softmax_xent.h"

namespace gabor::kernels::bounds {
namespace {

float* const kFloats = nowhere<float>();
const JoinMemory kMemory{kFloats, nowhere<unsigned>()};

// A call that does so many FLOPs and moves so many bytes of each of `elements`.
std::string stream(const std::string& what, double elements, double flops, double bytes,
                   const std::function<void(const Card&)>& call) {
  return row(what, [&](const Card& card) {
    Work w;
    w.launches = launches_of([&] { call(card); });
    w.asked = w.issued = elements * flops;
    w.dram = w.l2 = elements * bytes;
    return w;
  });
}

constexpr int64_t kMap = int64_t{128} * 296 * 296 * 10;  // the article's map before pooling

}  // namespace

std::string pool_rows() {
  std::string out = table_head();
  Pool2dProblem p{.kind = PoolKind::max, .N = 128, .H = 296, .W = 296, .C = 10, .pad = {}};
  const double x = double(p.x_shape().count());
  for (const PoolKind kind : {PoolKind::max, PoolKind::average, PoolKind::l2}) {
    p.kind = kind;
    const std::string name = std::string("article's map, ") + name_of(kind) + " 2x2";
    // Per element of x: x once, a quarter of y; max: a quarter byte of arg-max.
    const double y = 1.0, arg = kind == PoolKind::max ? 0.25 : 0;
    out += stream(name + ", forward", x, kind == PoolKind::l2 ? 2 : 1, 4 + y + arg, [p](const Card&) {
      pool2d_forward(p, Storage::f32, kFloats, kFloats, nowhere<void>(), nullptr);
    });
    const double kept = kind == PoolKind::l2 ? 5 : arg;  // l2 reads x and y
    out += stream(name + ", backward", x, kind == PoolKind::l2 ? 3 : 1, 4 + y + kept, [p](const Card&) {
      pool2d_backward(p, Storage::f32, kFloats, kFloats, nowhere<void>(), kFloats, kFloats, false, nullptr);
    });
    if (kind != PoolKind::max) continue;
    Pool2dProblem relu = p;
    relu.relu = true;
    out += stream(name + ", backward through ReLU", x, 1, 4 + y + arg + y, [relu](const Card&) {
      pool2d_backward(relu, Storage::f32, kFloats, kFloats, nowhere<void>(), kFloats, kFloats, false,
                      nullptr);
    });
  }
  p = {.kind = PoolKind::average,
       .N = 256,
       .H = 7,
       .W = 7,
       .C = 512,
       .R = 7,
       .S = 7,
       .pad = {},
       .stride_h = 7,
       .stride_w = 7};
  const double g = double(p.x_shape().count());
  out += stream("ResNet-18's last map, global average, forward", g, 1, 4 + 4.0 / 49,
                [p](const Card&) { pool2d_forward(p, Storage::f32, kFloats, kFloats, nullptr, nullptr); });
  out += stream("ResNet-18's last map, global average, backward", g, 1, 4 + 4.0 / 49, [p](const Card&) {
    pool2d_backward(p, Storage::f32, nullptr, nullptr, nullptr, kFloats, kFloats, false, nullptr);
  });
  return out;
}

std::string batchnorm_rows() {
  std::string out = table_head();
  const BatchnormProblem p{.rows = int64_t{128} * 64 * 64, .C = 64};
  const double x = double(p.rows * p.C);
  const auto scratch = [&](const Card& card) {
    return BatchnormWorkspace{nowhere<void>(), batchnorm_slices(p.rows, p.C, card.multiprocessors)};
  };
  out += stream("64x64x64, N=128, training", x, 9, 12, [&](const Card& card) {
    batchnorm_forward_training(
        p, Storage::f32,
        {.x = kFloats, .gamma = kFloats, .beta = kFloats, .y = kFloats, .mean = kFloats, .rstd = kFloats},
        scratch(card), nullptr);
  });
  out += stream("64x64x64, N=128, inference", x, 3, 8, [&](const Card&) {
    batchnorm_forward_inference(p, Storage::f32,
                                {.x = kFloats,
                                 .gamma = kFloats,
                                 .beta = kFloats,
                                 .running_mean = kFloats,
                                 .running_var = kFloats,
                                 .y = kFloats},
                                nullptr);
  });
  out += stream("64x64x64, N=128, backward", x, 12, 20, [&](const Card& card) {
    batchnorm_backward(p, Storage::f32,
                       {.x = kFloats,
                        .dy = kFloats,
                        .gamma = kFloats,
                        .mean = kFloats,
                        .rstd = kFloats,
                        .dx = kFloats,
                        .dgamma = kFloats,
                        .dbeta = kFloats},
                       scratch(card), nullptr);
  });
  return out;
}

std::string loss_rows() {
  std::string out = table_head();
  const int64_t N = 256, K = 1000;
  const double count = double(N * K);
  out += stream("softmax_xent, N=256, K=1000", count, 6, 8, [&](const Card&) {
    softmax_xent({.N = N, .K = K}, Storage::f32,
                 {kFloats, nowhere<int32_t>(), kFloats, kFloats, nowhere<int32_t>(), kMemory}, nullptr);
  });
  out += stream("mse, N=256, K=1000", count, 4, 8, [&](const Card&) {
    mse({.N = N, .K = K}, Storage::f32,
        {kFloats, nowhere<int32_t>(), kFloats, kFloats, nowhere<int32_t>(), kMemory}, nullptr);
  });
  out += stream("softmax forward, N=256, K=1000", count, 4, 8,
                [&](const Card&) { softmax_forward(N, K, Storage::f32, kFloats, kFloats, nullptr); });
  out += stream("softmax backward, N=256, K=1000", count, 4, 12, [&](const Card&) {
    softmax_backward(N, K, Storage::f32, kFloats, kFloats, kFloats, false, nullptr);
  });
  return out;
}

std::string map_rows() {
  std::string out = table_head();
  const ActivationProblem relu{kMap, {ActivationKind::relu, 0}};
  out += stream("relu of the article's map, forward", double(kMap), 1, 8,
                [&](const Card&) { activation_forward(relu, Storage::f32, kFloats, kFloats, nullptr); });
  out += stream("relu of the article's map, backward", double(kMap), 1, 12, [&](const Card&) {
    activation_backward(relu, Storage::f32, kFloats, kFloats, kFloats, false, nullptr);
  });
  out += stream("add, article's map", double(kMap), 1, 12,
                [&](const Card&) { add(kMap, Storage::f32, kFloats, kFloats, kFloats, nullptr); });
  out += stream("dropout, article's map", double(kMap), 1, 8, [&](const Card&) {
    dropout(kMap, 0.5f, {}, nowhere<StepValues>(), Storage::f32, kFloats, kFloats, false, nullptr);
  });
  const float one[4] = {1, 1, 1, 1};
  const int64_t pixels = int64_t{128} * 300 * 300 * 3;
  out += stream("normalize, 128 of 300x300x3", double(pixels), 2, 5, [&](const Card&) {
    normalize(pixels, 3, one, one, nowhere<uint8_t>(), Storage::f32, kFloats, nullptr);
  });
  const CropProblem crop{.N = 2000, .H = 36, .W = 36, .C = 3, .P = 32, .Q = 32, .normalize = {}};
  out += stream("crop_normalize, 2000 of 36x36x3 to 32x32", double(crop.N * 32 * 32 * 3), 2, 5,
                [&](const Card&) {
                  crop_normalize<float>(crop, nowhere<uint8_t>(), nowhere<Crop>(), kFloats, nullptr);
                });
  const GatherProblem batch{.N = 128, .H = 300, .W = 300, .C = 3, .pictures = 10000};
  out += stream("gather, 128 of 300x300x3", double(pixels), 0, 2, [&](const Card&) {
    gather(batch, nowhere<uint8_t>(), nowhere<PictureRow>(), nowhere<uint8_t>(), nullptr);
  });
  return out;
}

std::string parameter_rows() {
  std::string out = table_head();
  constexpr int64_t kResNet18 = 11689512;
  const auto update = [](int64_t count) {
    const auto blocks = int32_t(optimizer_blocks(count));
    optimizer_update({}, nowhere<UpdateValues>(), nowhere<OptimizerSegment>(), nowhere<int32_t>(), 1, blocks,
                     {kFloats, kFloats, kFloats, kFloats}, nullptr);
  };
  out += stream("adam, article's 438,842 parameters", 438842, 12, 28, [&](const Card&) { update(438842); });
  out +=
      stream("adam, ResNet-18's 11.7 M", double(kResNet18), 12, 28, [&](const Card&) { update(kResNet18); });
  out += stream("gradient_norm, ResNet-18's", double(kResNet18), 6, 4, [&](const Card&) {
    gradient_norm<float>(kResNet18, kFloats, nowhere<NormResult>(), nowhere<void>(), nullptr);
  });
  out += stream("cast to 16 bits, ResNet-18's", double(kResNet18), 0, 6,
                [&](const Card&) { cast(kResNet18, kFloats, Storage::bf16, nowhere<void>(), nullptr); });
  return out;
}

}  // namespace gabor::kernels::bounds
