#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "report/duel_report.h"

namespace gabor {

// The duel as a table for people, and as one object for programs (README, "Comparing kernels").
std::string duel_text(const DuelReport& r);
nlohmann::ordered_json duel_json(const DuelReport& r);

}  // namespace gabor
