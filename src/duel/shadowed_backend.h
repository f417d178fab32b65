#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "duel/call.h"
#include "ops/backend.h"

namespace gabor {

// What is told of a call: the backend that ran it, what it was given and what it made of it.
using CallSeen = std::function<void(const Backend& by, const AnyProblem& problem, Pass pass, CallTensors call,
                                    std::vector<HostTensor> made)>;

// The same backend under the same name, whose calls of activation, batchnorm, conv2d, dense, first_block, loss, pool2d and
// softmax are told while *watching; else they are passed on, and nothing is allocated. watching must outlive it.
std::shared_ptr<const Backend> shadowed_backend(std::shared_ptr<const Backend> backend, const bool* watching,
                                                CallSeen seen);

}  // namespace gabor
