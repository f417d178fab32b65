#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/step.h"
#include "tune/tuning_record.h"

namespace gabor {

struct TuneOptions {
  std::string file;  // TuningFile's; "": there is no place for one
  TuningPlace place;
  // Measure no more than whether a precision that the library was asked for is faster than fp32 of the same backend.
  bool precision_only = false;
  double seconds =
      2;  // for all that is measured; what is not reached by then keeps the library's order, for good
  std::function<void(size_t done, size_t all, const std::string& where)> progress = [](size_t, size_t,
                                                                                       const auto&) {};
};

struct Tuning {
  TunedChoices choices;  // where another than the first of the order is faster, or the first is wrong
  size_t measured = 0;   // passes that were not in the file before
  std::vector<std::string> notes;  // what could not be done, to be read after "not": "measured: ..."
};

// Measured choices for the convolutions and dense layers of a plan that was compiled with this library, whose steps and
// choices these are; layers whose model file names a backend are left alone. What the file knows is not measured again, and
// nothing is measured that cannot be kept: the same call then gives the same choices. The file's troubles are notes, not
// errors. A pass in a lower precision than fp32 (Library::precision) is also measured in fp32, and its results are checked,
// each time: where they are wrong fp32 is chosen. On an emulated GPU, whose times mean nothing, they are only checked.
Tuning tune(std::span<const std::unique_ptr<Step>> steps, std::span<const ChoiceRecord> made,
            const Library& library, const TuneOptions& options);

}  // namespace gabor
