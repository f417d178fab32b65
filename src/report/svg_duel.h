// Drawings of a duel, as inline SVG for the page (svg_chart.h has the rules).
#pragma once
#include <string>

#include "duel/duel.h"

namespace gabor {

// One bar for each ratio within a class, grouped by problem and pass, on a logarithmic axis; bars begin at 1, and to the
// right is faster. "" when the class has no ratio, or those of one candidate only: it is its own baseline.
std::string ratio_chart(const Duel& duel, ProblemClass problem_class);

// Speed over arithmetic intensity, both logarithmic, with the measured roofs of each device: one dot a record.
std::string roofline_chart(const Duel& duel);

}  // namespace gabor
