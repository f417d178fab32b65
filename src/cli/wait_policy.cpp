#include "cli/wait_policy.h"

#include <unistd.h>

#include <cstdlib>

namespace gabor {

void prefer_short_waits(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  execv("/proc/self/exe", argv);
}

}  // namespace gabor
