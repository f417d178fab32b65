// Events and graphs of a CudaDevice: its stopwatch, its marks and its replays.
#pragma once
#include <memory>

#include "device/cuda_device.h"

namespace gabor {

std::unique_ptr<Stopwatch> make_event_stopwatch(CudaDevice& device);
std::unique_ptr<Mark> make_event_mark(CudaDevice& device);
std::unique_ptr<Replay> make_graph_replay(CudaDevice& device);

}  // namespace gabor
