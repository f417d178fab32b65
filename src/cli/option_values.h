// Values of options from text, with one kind of message for all: "--epochs: '0' is not valid; expected ...".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"
#include "data/image.h"

namespace gabor {

// All throw Error{usage}, where = option.
int64_t parse_whole(const std::string& option, const std::string& text, int64_t low, int64_t high);
// A finite number in [low, high]; with open_low, low itself is refused.
double parse_number(const std::string& option, const std::string& text, double low, double high,
                    bool open_low = false);
// "0", "4096", "512 MiB", "1.5GB": KB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024; at most 2^50.
size_t parse_bytes(const std::string& option, const std::string& text);
ImageSize parse_size(const std::string& option, const std::string& text);  // "96x128": height, width
Shape parse_input(const std::string& option, const std::string& text);     // "96x128x3"
// One of the names, else the nearest is offered.
const std::string& parse_choice(const std::string& option, const std::string& text,
                                const std::vector<std::string>& names);

}  // namespace gabor
