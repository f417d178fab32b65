#pragma once
#include <map>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace gabor {

// What a device did at most, measured.
struct DeviceRoofs {
  std::string device;                   // name
  double bytes_per_s = 0;               // of a copy: read and written; 0: not measured
  std::map<std::string, double> flops;  // a second, by Traits::math
};

// The shortest time that work can take on the device, in seconds: max(bytes / bandwidth, flops / peak). 0 when the roofs
// for it were not measured.
double floor_seconds(const DeviceRoofs& roofs, const std::string& math, double flops, double bytes);

// Times the backend's roofs (ops/roofs.h), best of several; nothing is measured when it has none. maths: which to try.
DeviceRoofs measure_roofs(const Backend& backend, Stopwatch& stopwatch,
                          const std::vector<std::string>& maths);

// Size of the device's last cache in bytes: of the CPU as Linux tells, or 32 MiB; of any other device 128 MiB, more
// than GPUs have.
size_t cache_bytes(const Device& device);

}  // namespace gabor
