// What the doctor makes of what it has found.
#pragma once
#include "data/doctor.h"

namespace gabor {

// Fills report.errors, warnings and imbalance from the rest of it.
void judge(const DoctorOptions& options, DataReport& report);

}  // namespace gabor
