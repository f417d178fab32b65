#include "kernels/common/dispatch.cuh"
#include "kernels/first_block/forward_tiled.cuh"
#include "kernels/first_block/tiled.h"

namespace gabor::kernels {
namespace first_block {
namespace {

// The sizes that a configuration is made of, known at launch.
struct Choice {
  int lanes = 0, filters = 0;  // lanes 0: none fits
  size_t shared_bytes = 0;
};

template <class Config>
Choice choice_of(const Conv2dProblem& c) {
  const int64_t image = c.C * (2 * Config::kRows + c.R - 1) * Config::kPlanes * Config::kPlanePitch;
  const int64_t bytes = (image + c.R * c.S * c.C * Config::kFilterPitch) * int64_t(sizeof(float));
  if (c.S > Config::kMostS || bytes > kSharedBytes) return {};
  return {Config::kLanes, Config::kFilters, size_t(bytes)};
}

// Calls f with the configuration, its filters' width being that of the problem or 1.
template <int kLanes, int kFilters, class F>
void with_run(int64_t S, F f) {
  if (S == 5) return f(ForwardConfig<kLanes, kFilters, 5>{});
  if (S == 3) return f(ForwardConfig<kLanes, kFilters, 3>{});
  return f(ForwardConfig<kLanes, kFilters, 1>{});
}
template <class F>
void with_config(const Choice& choice, int64_t S, F f) {
  const bool wide = choice.lanes == 16;
  if (choice.filters == 10) return wide ? with_run<16, 10>(S, f) : with_run<8, 10>(S, f);
  return wide ? with_run<16, 8>(S, f) : with_run<8, 8>(S, f);
}

template <int kLanes>
int64_t pixels_in_tiles(const FirstBlockProblem& p) {
  using Config = ForwardConfig<kLanes, 8, 1>;
  return simt::ceil_div(p.pool.P(), int64_t{Config::kRows}) * Config::kRows *
         simt::ceil_div(p.pool.Q(), int64_t{Config::kTileColumns}) * Config::kTileColumns;
}

// The one that computes the least that nobody asked for: filters first, then pixels; else any that fits.
Choice choose(const FirstBlockProblem& p) {
  const Conv2dProblem& c = p.conv;
  const bool tens = simt::ceil_div(c.K, int64_t{10}) * 10 <= simt::ceil_div(c.K, int64_t{8}) * 8;
  const bool wide = pixels_in_tiles<16>(p) <= pixels_in_tiles<8>(p);
  const Choice all[2][2] = {{choice_of<ForwardConfig<8, 8, 1>>(c), choice_of<ForwardConfig<8, 10, 1>>(c)},
                            {choice_of<ForwardConfig<16, 8, 1>>(c), choice_of<ForwardConfig<16, 10, 1>>(c)}};
  for (const bool w : {wide, !wide})
    for (const bool t : {tens, false})
      if (all[w][t].lanes) return all[w][t];
  return {};
}

template <class Config>
int64_t blocks_of(const FirstBlockProblem& p) {
  return p.conv.N * simt::ceil_div(p.pool.P(), int64_t{Config::kRows}) *
         simt::ceil_div(p.pool.Q(), int64_t{Config::kTileColumns});
}

}  // namespace

void forward_tiled(const FirstBlockProblem& p, Storage storage, const void* x, const void* w, const float* b,
                   void* y, uint8_t* argmax, Stream stream) {
  const Choice choice = choose(p);
  with_config(choice, p.conv.S, [&]<class Config>(Config) {
    const ForwardParams params{Params(p), int32_t(simt::ceil_div(p.pool.P(), int64_t{Config::kRows})),
                               int32_t(simt::ceil_div(p.pool.Q(), int64_t{Config::kTileColumns})),
                               int32_t(2 * Config::kRows + p.conv.R - 1),
                               int32_t(Config::kPlanes * Config::kLanes + p.conv.S - 1)};
    LaunchConfig config = grid_of(dim3(unsigned(blocks_of<Config>(p))), Config::kThreads, stream);
    config.smem = choice.shared_bytes;
    with_element(storage, [&]<class Element>(Element) {
      launch(config, forward_tiled<Config, Element>, params, x, static_cast<const Element*>(w), b,
             static_cast<Element*>(y), argmax);
    });
  });
}

}  // namespace first_block

bool first_block_tiled_forward_takes(const FirstBlockProblem& p) {
  using namespace first_block;
  const Conv2dProblem& c = p.conv;
  if (c.stride_h != 1 || c.stride_w != 1 || c.dil_h != 1 || c.dil_w != 1) return false;
  // Small enough that sizes of tiles cannot overflow.
  if (c.R > kSharedBytes || c.S > kSharedBytes || choose(p).lanes == 0) return false;
  return c.H * c.W * c.C < kMost32 && blocks_of<ForwardConfig<16, 8, 1>>(p) < kMost32 &&
         blocks_of<ForwardConfig<8, 8, 1>>(p) < kMost32;
}

}  // namespace gabor::kernels
