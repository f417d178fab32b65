#pragma once
#include <string>

#include "core/shape.h"
#include "model/graph.h"

namespace gabor {

// The help of a MODEL argument.
extern const char* const kModelHelp;

// The net that a MODEL argument means: a name of the zoo, a .toml file, a checkpoint or a run folder. input: the size
// that an option gave, or empty; a checkpoint's own is filled in. Throws Error{usage, checkpoint}.
Graph model_argument(const std::string& model, Shape& input);

}  // namespace gabor
