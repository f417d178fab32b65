// backends/own: a user's kernel file as a backend, for `gabor duel --kernel` (kernels/own/kernel.h is what its author
// reads). The file is compiled into a program of its own, with the emulated GPU and its checker; every call of an op is
// one run of that program (program.h). Includes ops, device, core and kernels/own; no other backend.
#pragma once
#include <memory>
#include <string>

#include "ops/backend.h"

namespace gabor {

// Compiles the file; what the compiler prints goes to stderr. The backend's name is the file's, without folders. Its ops
// are those of which the file defines a function; they run in an emulation (Traits::emulated), and overwrite only.
// A call that the checker finds something wrong with throws Error{numeric}; so does one that crashes, or does not end
// within seconds. Throws Error{usage} when there is no such file, it does not compile or defines no function,
// Error{device} when there is no compiler or emulated GPU.
std::shared_ptr<const Backend> make_own_backend(const std::string& file, int seconds);

}  // namespace gabor
