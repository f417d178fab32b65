// train: the training loop, evaluation, checkpoints. It reports through an Observer and prints nothing.
// preprocess.h: what is done to a picture before the net sees it. Stored in every checkpoint, so that eval
// and predict cannot differ from training.
#pragma once
#include <string>

#include "core/problem/first_block.h"
#include "data/resize.h"

namespace gabor {

// unit: 0..1; centered: -1..1; none: 0..255 as it is (warned about: ARTICLE B13)
enum class Scaling : uint8_t { unit, centered, none };
const char* name_of(Scaling scaling);
bool parse_scaling(const std::string& name, Scaling& out);

struct Preprocess {
  int height = 0, width = 0,
      channels = 3;  // channels 1: gray, 3: RGB in this order; EXIF orientation is applied
  Resize resize = Resize::antialias;
  Scaling scaling = Scaling::centered;
  Normalize normalize() const;
  friend bool operator==(const Preprocess&, const Preprocess&) = default;
};

std::string to_json(const Preprocess& p);
Preprocess preprocess_from_json(const std::string& json,
                                const std::string& where);  // throws Error{checkpoint}

}  // namespace gabor
