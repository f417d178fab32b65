#pragma once
#include <string>

#include "model/plan.h"

namespace gabor {

// Keras-style table: layer, type, output shape, parameters, what is left unread; then the totals.
std::string summary_text(const Plan& plan);

}  // namespace gabor
