#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gabor {

// The learning rate as a function of the update's number alone, so that a resumed run goes on exactly.
//   constant  lr
//   cosine    lr (1 + cos(pi t / total)) / 2                      (Loshchilov, Hutter: SGDR, 2017, one cycle)
//   step      lr / 10 after 1/2 and again after 3/4 of all updates (He et al. 2015)
// After `warmup` updates of a linear rise from lr / warmup.
enum class ScheduleKind : uint8_t { constant, cosine, step };
std::vector<std::string> schedule_names();
bool parse_schedule(const std::string& name, ScheduleKind& out);
const char* name_of(ScheduleKind kind);

struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  float lr = 1e-3f;
  int64_t total = 1;               // updates of the whole run
  int64_t warmup = 0;              // updates
  float at(int64_t update) const;  // 0, 1, 2, ...
};

}  // namespace gabor
