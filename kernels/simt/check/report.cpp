// The checker's findings in words. Source lines come from binutils' addr2line; without it, addresses.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#include "kernels/simt/check/shadow.h"
#include "kernels/simt/host/target.h"

namespace gabor::simt::host::check {
namespace {

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  pclose(pipe);
  return output;
}

bool is_vocabulary(const std::string& line) { return line.find("/kernels/simt/host/") != std::string::npos; }

// Of the lines inlined into one another at pc, innermost first, the first that is no wrapper of ours.
std::string source_line(const void* pc) {
  Dl_info info;
  if (dladdr(pc, &info) == 0) return "an unknown place";
  const size_t offset = size_t(static_cast<const char*>(pc) - static_cast<const char*>(info.dli_fbase)) - 1;
  char address[32];
  std::snprintf(address, sizeof address, "0x%zx", offset);
  const std::string frames =
      output_of("addr2line -ie '" + std::string(info.dli_fname) + "' " + address + " 2>/dev/null");

  std::string chosen;
  for (size_t start = 0; start < frames.size();) {
    const size_t end = std::min(frames.find('\n', start), frames.size());
    chosen = frames.substr(start, end - start);
    if (!is_vocabulary(chosen)) break;
    start = end + 1;
  }
  if (chosen.empty() || chosen[0] == '?') return std::string(address) + " of " + info.dli_fname;
  chosen = chosen.substr(0, chosen.find(" ("));  // "(discriminator 2)"
  return chosen.substr(chosen.rfind('/') + 1);
}

std::string target(const char* p) {
  Memory& m = memory();
  auto it = m.buffers.upper_bound(const_cast<char*>(p));
  const char* space = m.is_shared(p) ? "shared " : "global ";
  if (it == m.buffers.begin()) return std::string(space) + "memory before any array";
  --it;
  return space + it->second.name + " byte " + std::to_string(p - it->first) + " of " +
         std::to_string(it->second.bytes);
}

std::string actor(const Access& a) {
  const unsigned x = a.thread % blockDim.x, y = a.thread / blockDim.x % blockDim.y,
                 z = a.thread / blockDim.x / blockDim.y;
  return std::string(a.block == now.block ? "" : "another block's ") + "thread (" + std::to_string(x) + "," +
         std::to_string(y) + "," + std::to_string(z) + ")";
}

}  // namespace

std::string describe(const char* what, const char* p, size_t bytes, bool write, const void* pc,
                     const Access* other, bool other_writes) {
  now.in_kernel = false;  // nothing from here on is the kernel's
  std::string text = std::string(what) + ": " + (write ? "write" : "read") + " of " + std::to_string(bytes) +
                     " bytes, " + target(p) + ", at " + source_line(pc);
  if (other != nullptr)
    text += std::string("; unordered with a ") + (other_writes ? "write" : "read") + " by " + actor(*other) +
            " at " + source_line(other->pc);
  return text;
}

}  // namespace gabor::simt::host::check
