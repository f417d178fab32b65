#pragma once
#include <functional>
#include <memory>
#include <optional>
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

// What became of a precision in whose storage all tensors are (Library::storage): it holds for the whole net, or not at all.
struct StorageVerdict {
  std::string fault;  // "conv1 wgrad: dw[0,1,2,0] is 3.1, expected 3 +- 0.01"; "": all passes are right
  // Of all passes that could be timed, for the whole batch; 0: of none.
  double seconds = 0, exact_seconds = 0;
};

struct Tuning {
  TunedChoices choices;  // where another than the first of the order is faster, or the first is wrong
  size_t measured = 0;   // passes that were not in the file before
  std::optional<StorageVerdict> storage;  // where the library's is not f32: then there are no choices
  std::vector<std::string> notes;         // what could not be done, to be read after "not": "measured: ..."
};

// Measured choices for the convolutions and dense layers of a plan that was compiled with this library, whose steps and
// choices these are; layers whose model file names a backend are left alone (unless the library's storage is 16-bit: then
// the name has no effect). What the file knows is not measured again, and nothing is measured that cannot be kept: the same
// call then gives the same choices. The file's troubles are notes, not errors. A pass in a lower precision than fp32
// (Library::precision) is also measured in fp32, and its results are checked, each time: where they are wrong fp32 is
// chosen, or, where it is a matter of the whole net's storage, that is told. On an emulated GPU, whose times mean nothing,
// they are only checked.
Tuning tune(std::span<const std::unique_ptr<Step>> steps, std::span<const ChoiceRecord> made,
            const Library& library, const TuneOptions& options);

}  // namespace gabor
