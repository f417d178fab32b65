// What went wrong, in words: with the launch, block, thread and line of the kernel.
#include <cstring>
#include <utility>

#include "kernels/simt/host/machine.h"
#include "kernels/simt/host/target.h"

namespace gabor::simt::host {
namespace {

std::string coordinates(uint3 v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

// Threads that wait in the same call at the same line are told of together.
bool alike(const Thread& a, const Thread& b) {
  return std::strcmp(a.waits_in, b.waits_in) == 0 && to_string(a.waits_at) == to_string(b.waits_at);
}

}  // namespace

std::string to_string(Site site) {
  if (site.file == nullptr) return "";
  const char* slash = std::strrchr(site.file, '/');
  return std::string(slash != nullptr ? slash + 1 : site.file) + ":" + std::to_string(site.line);
}

void record_failure(Site site, const std::string& what) {
  check::end_block();  // the checker has nothing to say about the rest
  if (machine.failed) return;
  machine.failed = true;
  machine.error =
      "kernel launched at " + to_string(machine.launch->site) + ", block " + coordinates(blockIdx);
  if (machine.current != nullptr) machine.error += ", thread " + coordinates(machine.current->id);
  if (site.file != nullptr) machine.error += ", at " + to_string(site);
  machine.error += ": " + what;
}

void trap(const std::string& why, Site site) {
  record_failure(site, why);
  leave_thread();
}

std::string deadlock_text() {
  std::vector<std::pair<const Thread*, int>> groups;
  for (int i = 0; i < machine.thread_count; ++i) {
    Thread& thread = machine.threads[i];
    if (thread.state == ThreadState::returned) {
      thread.waits_in = "nothing (it has returned)";
      thread.waits_at = {};
    }
    auto group = groups.begin();
    while (group != groups.end() && !alike(*group->first, thread)) ++group;
    if (group == groups.end()) {
      groups.push_back({&thread, 1});
    } else {
      ++group->second;
    }
  }
  std::string text = "deadlock, no thread can run:";
  for (const auto& [first, count] : groups) {
    text += "\n  " + std::to_string(count) + " thread(s), the first " + coordinates(first->id) + ": in " +
            first->waits_in;
    if (first->waits_at.file != nullptr) text += " at " + to_string(first->waits_at);
  }
  return text;
}

}  // namespace gabor::simt::host
