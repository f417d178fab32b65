#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "data/doctor.h"

namespace gabor {

// What the doctor found in a data set, as text (long lists cut, with how many more there are) and as JSON
// (whole). per_second: pictures that one thread decodes in a second; 0 = not measured.
std::string doctor_text(const DataReport& r, double per_second);
nlohmann::ordered_json doctor_json(const DataReport& r, double per_second);

}  // namespace gabor
