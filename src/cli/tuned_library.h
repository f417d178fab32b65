#pragma once
#include <memory>
#include <string>

#include "cli/train_settings.h"
#include "model/plan.h"

namespace gabor {

// Where measured choices are kept unless --tuning says otherwise: gabor/tuning.jsonl in $XDG_CACHE_HOME, else in
// ~/.cache; "" where neither is known.
std::string default_tuning_file();

// The library that trains the net of this plan, which was compiled with `library`. With --backend auto the choices are
// measured, or taken from the file of those that were (src/tune), and written into the settings; a resumed run has the
// choices that its settings hold, whatever the file says. Any other backend: the library as it is, but where a lower
// precision is wrong here, or slower than fp32. A precision of 16-bit tensors is refused where it is wrong (the settings then
// say fp32), and its speed is told. terminal: whether stderr, which the progress goes to, is one.
std::shared_ptr<const Library> tuned_library(const std::shared_ptr<const Library>& library, const Plan& plan,
                                             TrainSettings& s, bool resumed, bool terminal);

// TrainSettings::choices as text: {"conv1 wgrad":"cpu/onednn"}; "" for none. Parsing throws Error{usage}.
std::string choices_text(const TunedChoices& choices);
TunedChoices parse_choices(const std::string& option, const std::string& text);

}  // namespace gabor
