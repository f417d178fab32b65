// What a picture's path says it shows, to be held against its label: "cat/dog.17.jpg" is worth a look.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gabor {

// The class that path names: from its end, the first part ('/' between parts) that names one or more of the
// classes decides. A part names a class when it is its name, or has it as a word; words are runs of letters,
// of which the case does not matter. -1 when no part names any class, or the deciding one names several.
// "cat/dog.17.jpg": dog; "dog/17.jpg": dog; "train-images #7": -1.
int class_named_by(std::string_view path, const std::vector<std::string>& classes);

}  // namespace gabor
