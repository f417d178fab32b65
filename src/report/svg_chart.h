// Drawings as inline SVG text for the report. Colours come from CSS classes and variables of the page, so
// that they follow its light and dark themes.
#pragma once
#include <string>
#include <vector>

namespace gabor {

struct Curve {
  std::string name;
  std::string css;        // class of the line: "train", "val"
  std::vector<double> y;  // one value an epoch; NaN leaves a gap
};

// Curves over x = first_x, first_x + 1, ... with axes, round ticks and a legend. low and high fix the y axis
// when low < high; else it fits the values.
std::string line_chart(const std::string& title, const std::vector<int>& x, const std::vector<Curve>& curves,
                       double low = 0, double high = 0);

// Round tick values that cover [low, high], at most about `wanted`.
std::vector<double> round_ticks(double low, double high, int wanted);

}  // namespace gabor
