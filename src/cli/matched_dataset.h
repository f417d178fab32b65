#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gabor {

// The data set with a model's classes in the model's order: labels are matched by class name, never by
// number. A set may lack classes of the model; Error{data} when it has one that the model does not know.
// where: for the message.
std::shared_ptr<const Dataset> match_classes(std::shared_ptr<const Dataset> dataset,
                                             const std::vector<std::string>& model_classes,
                                             const std::string& where);

}  // namespace gabor
