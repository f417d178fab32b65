#include "duel/roofline.h"

#include <algorithm>
#include <fstream>

#include "device/device.h"
#include "ops/context.h"
#include "ops/roofs.h"

namespace gabor {
namespace {

constexpr int kTries = 7;
constexpr size_t kMiB = size_t{1} << 20;

double best_seconds(Stopwatch& stopwatch, const std::function<void()>& work) {
  work();
  double best = stopwatch.seconds(work);
  for (int i = 1; i < kTries; i++) best = std::min(best, stopwatch.seconds(work));
  return std::max(best, 1e-9);
}

double copy_bytes_per_s(const Roofs& roofs, Context& context, Stopwatch& stopwatch) {
  const size_t bytes = std::clamp(4 * cache_bytes(context.device), 64 * kMiB, 512 * kMiB);
  const Buffer x(context.device, bytes), y(context.device, bytes);
  context.device.zero(x.data(), bytes), context.device.zero(y.data(), bytes);
  const Shape shape{int64_t(bytes)};
  return 2 * double(bytes) / best_seconds(stopwatch, [&] {
           roofs.copy(context, {x.data(), shape, DType::u8}, {y.data(), shape, DType::u8});
         });
}

// 0 when the device has no such arithmetic.
double flops_per_s(const Roofs& roofs, Context& context, Stopwatch& stopwatch, const std::string& math) {
  // Seconds of the best try: starting threads may take 10 ms on a busy machine, and must not count.
  constexpr double kLongEnough = 0.05;
  constexpr int64_t kFirstRounds = 1 << 4;  // an emulated GPU does no more in that time
  constexpr int64_t kMostRounds = int64_t{1} << 28;
  const Buffer out(context.device, size_t(roofs.fma_outputs()) * sizeof(float));
  const TensorView y{out.data(), {roofs.fma_outputs()}, DType::f32};
  double flops = 0, rate = 0;
  const auto try_rounds = [&](int64_t rounds) {
    const double seconds =
        best_seconds(stopwatch, [&] { flops = roofs.multiply_add(context, math, rounds, y); });
    rate = std::max(rate, flops / seconds);
    return seconds;
  };
  for (int64_t rounds = kFirstRounds; rounds <= kMostRounds; rounds *= 4)
    if (try_rounds(rounds) >= kLongEnough || flops == 0) break;
  return rate;
}

}  // namespace

double floor_seconds(const DeviceRoofs& roofs, const std::string& math, double flops, double bytes) {
  const auto peak = roofs.flops.find(math);
  if (roofs.bytes_per_s <= 0 || peak == roofs.flops.end()) return 0;
  return std::max(bytes / roofs.bytes_per_s, flops / peak->second);
}

DeviceRoofs measure_roofs(const Backend& backend, Stopwatch& stopwatch,
                          const std::vector<std::string>& maths) {
  Device& device = backend.device();
  DeviceRoofs out{device.name(), 0, {}};
  const Roofs* roofs = backend.ops().roofs;
  if (!roofs) return out;
  Context context{device, device.stream()};
  out.bytes_per_s = copy_bytes_per_s(*roofs, context, stopwatch);
  for (const std::string& math : maths)
    if (const double flops = flops_per_s(*roofs, context, stopwatch, math); flops > 0)
      out.flops[math] = flops;
  return out;
}

size_t cache_bytes(const Device& device) {
  if (device.kind() != DeviceKind::host) return 128 * kMiB;
  size_t last = 0;
  for (int index = 0; index < 8; index++) {
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
    size_t n = 0;
    char unit = 0;
    if (file >> n >> unit) last = std::max(last, n * (unit == 'M' ? kMiB : unit == 'K' ? 1024 : 1));
  }
  return last ? last : 32 * kMiB;
}

}  // namespace gabor
