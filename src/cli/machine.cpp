#include "cli/machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/text.h"
#include "device/device.h"

namespace gabor {
namespace {

// The first line of /proc/cpuinfo that starts with key, after its colon; "" where there is none.
std::string cpu_info(const std::string& key) {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (const size_t colon = line.find(": "); line.starts_with(key) && colon != std::string::npos)
      return line.substr(colon + 2);
  return "";
}

}  // namespace

std::string cpu_name() {
  const std::string name = cpu_info("model name");
  return name.empty() ? host_device().name() : name;
}

std::string vector_unit() {
  const std::vector<std::string> x86 = split(cpu_info("flags"), ' '), arm = split(cpu_info("Features"), ' ');
  const auto has = [](const std::vector<std::string>& flags, const char* flag) {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  };
  if (has(x86, "avx512f") && has(x86, "avx512bw")) return "AVX-512";
  if (has(x86, "avx2") && has(x86, "fma")) return "AVX2";
  return has(arm, "asimd") ? "NEON" : "no vector instructions that gabor has kernels for";
}

std::string busy_text(double load) {
  constexpr double kQuiet = 0.3;  // load a core
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  return load > kQuiet * cores ? fmt::format("load {:.1f} on {} cores", load, cores) : "";
}

double load_average() {
  double minute = 0;
  return getloadavg(&minute, 1) == 1 ? minute : 0;
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");  // pages: size, resident, ...
  double size = 0, resident = 0;
  return statm >> size >> resident ? resident * double(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace gabor
