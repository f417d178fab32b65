#include "gpu/gpu.h"

#include <algorithm>

#include "kernels/roofs/roofs.h"

namespace gabor::bench {
namespace {

using kernels::RoofMath;

constexpr int64_t kRounds = 4096;  // of multiply-adds in a launch

int blocks_of(const CudaDevice& device) { return kernels::roof_blocks(device.multiprocessors()); }

}  // namespace

Gpu::Gpu()
    : code_capability_(std::min(device_.capability(), code_architecture())),
      l2_bytes_(l2_cache_bytes()),
      flush_(device_, std::max<size_t>(2 * l2_bytes_, 16 << 20)) {}

double Gpu::seconds(const std::function<void()>& f) {
  return timer_.seconds(stream(), flush_.data(), flush_.bytes(), f);
}

Roof Gpu::measure_roof() {
  // The best time of many: a roof is what nothing was in the way of.
  const auto rate = [&](const std::function<double()>& f) {
    double work = 0, best = 0;
    for (int i = 0; i < 20; ++i) {
      const double time = seconds([&] { work = f(); });
      best = i == 0 ? time : std::min(best, time);
    }
    return work / best;
  };
  const int blocks = blocks_of(device_);
  const int64_t bytes = int64_t(std::max<size_t>(8 * l2_bytes_, 256 << 20));
  const Buffer x(device_, size_t(bytes)), y(device_, size_t(bytes));
  const Buffer sums(device_, size_t(blocks) * kernels::kRoofThreads * sizeof(float));
  const auto peak = [&](RoofMath math) {
    return rate([&] {
      return kernels::multiply_adds(math, blocks, kRounds, static_cast<float*>(sums.data()), stream());
    });
  };
  Roof roof;
  roof.launch_seconds = 1 / rate([&] { return run_empty(stream()), 1.0; });
  roof.copy_bytes = rate([&] {
    kernels::copy_bytes(blocks, x.data(), y.data(), bytes, stream());
    return 2.0 * double(bytes);
  });
  roof.ffma = peak(RoofMath::ffma);
  if (code_capability_ < 80) return roof;
  roof.tf32 = peak(RoofMath::tf32);
  roof.f16 = peak(RoofMath::f16);
  return roof;
}

void Gpu::fill(void* data, Storage storage, int64_t count, uint32_t seed) {
  fill_random(blocks_of(device_), data, storage, count, seed, stream());
}

void* Memory::random(int64_t count, Storage storage) const {
  buffers_->emplace_back(gpu_->device(), size_t(count) * (storage == Storage::f32 ? 4 : 2));
  gpu_->fill(buffers_->back().data(), storage, count, uint32_t(buffers_->size()));
  return buffers_->back().data();
}

void* Memory::zeros(size_t bytes) const {
  if (bytes == 0) return nullptr;
  buffers_->emplace_back(gpu_->device(), bytes);
  gpu_->device().zero(buffers_->back().data(), bytes);
  return buffers_->back().data();
}

}  // namespace gabor::bench
