// backends/reference: the oracle. Every op as plain loops that read like its formula, with double
// accumulators and one rounding at the end. It is what the other backends are tested against, and the last in
// the list of choices because it can do everything.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace gabor {

// All ops, on the host. Stateless: may be shared between threads.
std::shared_ptr<const Backend> make_reference_backend();

}  // namespace gabor
