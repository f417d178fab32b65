// Micro-benchmarks of the cpu backend's ops, on the layers that its goals are set on: LeNet-5 at N=128, a
// small VGG-like net for photos at N=32, the article's dense layer and its Adam step. GFLOP/s or GB/s stand
// beside each time: compare them with machine-peak.
//   cpu-ops-bench --benchmark_filter=lenet
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/backend.h"
#include "core/philox.h"
#include "ops/activation.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/loss.h"
#include "ops/normalize.h"
#include "ops/optimizer.h"
#include "ops/pool2d.h"

namespace gabor {
namespace {

// A tensor of random values in [-1,1) (f32), 0..255 (u8) or 0 (i32).
class Tensor {
 public:
  explicit Tensor(const Shape& shape, DType dtype = DType::f32)
      : shape_(shape), dtype_(dtype), buffer_(host_device(), size_t(shape.count()) * size_of(dtype)) {
    Random random({1, Purpose::test});
    for (int64_t i = 0; i < shape.count(); i++) {
      if (dtype == DType::f32) static_cast<float*>(buffer_.data())[i] = random.uniform(-1, 1);
      if (dtype == DType::u8) static_cast<uint8_t*>(buffer_.data())[i] = uint8_t(random.bits());
      if (dtype == DType::i32) static_cast<int32_t*>(buffer_.data())[i] = 0;
    }
  }
  operator TensorView() const { return {buffer_.data(), shape_, dtype_}; }
  operator ConstTensorView() const { return {buffer_.data(), shape_, dtype_}; }

 private:
  Shape shape_;
  DType dtype_;
  Buffer buffer_;
};

struct Bench {
  std::shared_ptr<const Backend> backend = make_cpu_backend();
  Buffer workspace;
  Context context{host_device()};
  explicit Bench(size_t workspace_bytes = 0) : workspace(host_device(), workspace_bytes) {
    context.workspace = workspace.data();
    context.workspace_bytes = workspace_bytes;
  }
  const OpSet& ops() const { return backend->ops(); }
};

void rates(benchmark::State& state, double flops, double bytes) {
  using benchmark::Counter;
  if (flops > 0) state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsIterationInvariantRate);
  if (bytes > 0) state.counters["GB/s"] = Counter(bytes * 1e-9, Counter::kIsIterationInvariantRate);
}

void conv2d(benchmark::State& state, const Conv2dProblem& p, Pass pass) {
  const auto backend = make_cpu_backend();
  Bench bench(backend->ops().conv2d->workspace_bytes(p, pass));
  const Conv2d& op = *bench.ops().conv2d;
  const Tensor x(p.x_shape()), w(p.w_shape()), b(p.b_shape()), y(p.y_shape());
  for (auto _ : state) {
    if (pass == Pass::fprop) op.fprop(bench.context, p, x, w, b, y);
    if (pass == Pass::dgrad) op.dgrad(bench.context, p, y, w, x, GradMode::overwrite);
    if (pass == Pass::wgrad) op.wgrad(bench.context, p, x, y, w, b, GradMode::overwrite);
  }
  rates(state, double(p.flops()), 0);
}

void dense(benchmark::State& state, const DenseProblem& p, Pass pass) {
  const auto backend = make_cpu_backend();
  Bench bench(backend->ops().dense->workspace_bytes(p, pass));
  const Dense& op = *bench.ops().dense;
  const Tensor x(p.x_shape()), w(p.w_shape()), b(p.b_shape()), y(p.y_shape());
  for (auto _ : state) {
    if (pass == Pass::fprop) op.fprop(bench.context, p, x, w, b, y);
    if (pass == Pass::dgrad) op.dgrad(bench.context, p, y, w, x, GradMode::overwrite);
    if (pass == Pass::wgrad) op.wgrad(bench.context, p, x, y, w, b, GradMode::overwrite);
  }
  rates(state, double(p.flops()), 4.0 * double(p.N * p.C + p.K * p.C + p.N * p.K));
}

void pool2d(benchmark::State& state, const Pool2dProblem& p, bool backward) {
  Bench bench;
  const Pool2d& op = *bench.ops().pool2d;
  const Tensor x(p.x_shape()), dx(p.x_shape()), y(p.y_shape()), argmax(p.y_shape(), p.argmax_dtype());
  const TensorView saved = p.kind == PoolKind::max ? TensorView(argmax) : TensorView();
  op.forward(bench.context, p, x, y, saved);
  for (auto _ : state) {
    if (backward)
      op.backward(bench.context, p, x, y, saved, y, dx, GradMode::overwrite);
    else
      op.forward(bench.context, p, x, y, saved);
  }
  rates(state, 0, 4.0 * double(p.x_shape().count()) + 5.0 * double(p.y_shape().count()));
}

void activation(benchmark::State& state, ActivationKind kind, int64_t count, bool backward) {
  Bench bench;
  const ActivationProblem p{count, {kind, 0.01f}};
  const Tensor x({count}), y({count}), dy({count}), dx({count});
  for (auto _ : state) {
    if (backward)
      bench.ops().activation->backward(bench.context, p, x, y, dy, dx, GradMode::overwrite);
    else
      bench.ops().activation->forward(bench.context, p, x, y);
  }
  rates(state, 0, (backward ? 12.0 : 8.0) * double(count));
}

void optimizer(benchmark::State& state, OptimizerKind kind, const std::vector<int64_t>& sizes) {
  Bench bench;
  std::vector<ParameterSegment> segments;
  int64_t total = 0;
  for (int64_t n : sizes) {
    segments.push_back({total, n, n > 512});
    total += (n + 15) / 16 * 16;
  }
  const OptimizerProblem p{.kind = kind};
  StepValues values;
  bench.context.step = &values;
  const Tensor w({total}), g({total});
  // Moments start at zero: negative ones would have no square root.
  const Tensor m({total}, DType::i32), v({total}, DType::i32);
  const auto as_float = [&](const Tensor& t) { return TensorView{TensorView(t).data, {total}, DType::f32}; };
  int64_t t = 0;
  for (auto _ : state) {
    values.update = update_values(p, 1e-3f, ++t);
    bench.ops().optimizer->update(bench.context, p, segments, nullptr, w, g, as_float(m), as_float(v),
                                  nullptr);
  }
  rates(state, 0, 28.0 * double(total));
}

void loss(benchmark::State& state, int64_t N, int64_t K) {
  Bench bench;
  const LossProblem p{.N = N, .K = K};
  const Tensor y({N, K}), labels({N}, DType::i32), dy({N, K}), sum({1}), counts({2}, DType::i32);
  for (auto _ : state) bench.ops().loss->run(bench.context, p, y, labels, 1.0f / float(N), dy, sum, counts);
}

void normalize(benchmark::State& state, int64_t count, int64_t C) {
  Bench bench;
  const NormalizeProblem p{.count = count, .C = C};
  const Tensor x({count}, DType::u8), y({count});
  for (auto _ : state) bench.ops().normalize->forward(bench.context, p, x, y);
  rates(state, 0, 5.0 * double(count));
}

template <class Body>
void add_case(const std::string& name, Body body) {
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MeasureProcessCPUTime()
      ->MinTime(0.2);
}

void add_conv2d(const std::string& net, const std::string& problem) {
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    add_case(fmt::format("{} conv {} {}", net, name_of(pass), problem),
             [=](benchmark::State& s) { conv2d(s, parse_conv2d(problem), pass); });
}

void add_dense(const std::string& net, const DenseProblem& p) {
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    add_case(fmt::format("{} dense {} {}", net, name_of(pass), to_string(p)),
             [=](benchmark::State& s) { dense(s, p, pass); });
}

void add_pool2d(const std::string& net, const std::string& problem) {
  for (bool backward : {false, true})
    add_case(fmt::format("{} pool {} {}", net, backward ? "backward" : "forward", problem),
             [=](benchmark::State& s) { pool2d(s, parse_pool2d(problem), backward); });
}

void register_all() {
  add_conv2d("lenet", "N=128 H=28 W=28 C=1 K=6 R=5 S=5 pad=2,2 act=relu");
  add_pool2d("lenet", "max N=128 H=28 W=28 C=6");
  add_conv2d("lenet", "N=128 H=14 W=14 C=6 K=16 R=5 S=5 act=relu");
  add_pool2d("lenet", "max N=128 H=10 W=10 C=16");
  const Activation relu{ActivationKind::relu, 0};
  add_dense("lenet", {.N = 128, .C = 400, .K = 120, .activation = relu});
  add_dense("lenet", {.N = 128, .C = 120, .K = 84, .activation = relu});
  add_dense("lenet", {.N = 128, .C = 84, .K = 10});
  add_case("lenet loss 128x10", [](benchmark::State& s) { loss(s, 128, 10); });
  add_case("lenet relu backward 128x14x14x6",
           [](benchmark::State& s) { activation(s, ActivationKind::relu, 128 * 14 * 14 * 6, true); });
  add_case("lenet relu backward 128x28x28x6",
           [](benchmark::State& s) { activation(s, ActivationKind::relu, 128 * 28 * 28 * 6, true); });
  add_case("lenet normalize 128x28x28x1", [](benchmark::State& s) { normalize(s, 128 * 784, 1); });
  add_case("lenet adam", [](benchmark::State& s) {
    optimizer(s, OptimizerKind::adam, {150, 6, 2400, 16, 48000, 120, 10080, 84, 840, 10});
  });

  for (const char* problem : {"N=32 H=64 W=64 C=3 K=32 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=64 W=64 C=32 K=32 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=32 W=32 C=64 K=64 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=16 W=16 C=128 K=128 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=8 W=8 C=512 K=512 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=32 W=32 C=16 K=16 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=32 W=32 C=16 K=64 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=32 W=32 C=8 K=32 R=3 S=3 pad=1,1 act=relu",
                              "N=32 H=64 W=64 C=32 K=32 R=3 S=3 pad=1,1 groups=32"})
    add_conv2d("vgg", problem);
  add_pool2d("vgg", "max N=32 H=64 W=64 C=32");
  add_pool2d("vgg", "average N=32 H=8 W=8 C=512 R=8 S=8 stride=8,8");
  add_case("vgg relu backward 32x64x64x32",
           [](benchmark::State& s) { activation(s, ActivationKind::relu, 32 * 64 * 64 * 32, true); });
  add_case("vgg gelu 32x64x64x32",
           [](benchmark::State& s) { activation(s, ActivationKind::gelu, 32 * 64 * 64 * 32, false); });
  add_case("vgg sigmoid 32x64x64x32",
           [](benchmark::State& s) { activation(s, ActivationKind::sigmoid, 32 * 64 * 64 * 32, false); });
  add_case("vgg adam 5M", [](benchmark::State& s) { optimizer(s, OptimizerKind::adam, {5000000}); });
  add_dense("vgg", {.N = 32, .C = 2048, .K = 256, .activation = relu});

  add_pool2d("article", "max N=32 H=296 W=296 C=10");
  add_dense("article", {.N = 32, .C = 219040, .K = 2});
  add_case("article adam", [](benchmark::State& s) {
    optimizer(s, OptimizerKind::adam, {750, 10, 438080, 2});
  });
  add_case("article normalize 32x300x300x3", [](benchmark::State& s) { normalize(s, 32 * 270000, 3); });
}

}  // namespace
}  // namespace gabor

int main(int argc, char** argv) {
  gabor::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
