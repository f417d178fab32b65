#pragma once
#include <memory>

#include "ops/backend.h"

namespace gabor {

// A backend whose Traits::layout is not the contracts' own may be one of these too. Then a comparison can tell how much of
// its time goes into converting.
class ConvertsLayout {
 public:
  virtual ~ConvertsLayout() = default;
  // Ops that do nothing but convert tensors to traits().layout and back, as this backend's own do at each call: run with
  // the same arguments, in the same workspace, they take the time that the conversion takes. What they leave in their
  // outputs means nothing. Never null; it has no op that the backend lacks.
  virtual std::shared_ptr<const Backend> conversion() const = 0;
};

}  // namespace gabor
