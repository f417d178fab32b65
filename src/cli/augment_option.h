#pragma once
#include <string>

#include "data/augment/augment.h"

namespace gabor {

// What --augment takes: names with values, "flip,crop:0.5-1,rand:2x9", a name alone for its usual value; "none" for
// nothing. Adds to spec, or replaces there what is named. Throws Error{usage}, where = option.
void parse_augment(const std::string& option, const std::string& text, AugmentSpec& spec);

// The same as text, in the order in which it is done; "none".
std::string augment_text(const AugmentSpec& spec);

}  // namespace gabor
