// What gabor (src/backends/own) and the program made of a user's kernel file (program.cpp) tell each other: two files.
//   call:   a Call, then the bytes of its inputs
//   answer: an Answer, then the bytes of the outputs (Status::ok of a run), or text to the end of the file
// Both sides are compiled for the same machine from this header.
#pragma once
#include <cstdint>

#include "core/problem/conv2d.h"
#include "core/problem/pool2d.h"

namespace gabor::own {

enum class Function : uint32_t { conv2d_fprop, conv2d_dgrad, conv2d_wgrad, pool2d_forward, pool2d_backward };
inline constexpr const char* kFunctionNames[] = {"conv2d_fprop", "conv2d_dgrad", "conv2d_wgrad",
                                                 "pool2d_forward", "pool2d_backward"};
constexpr const char* name_of(Function f) { return kFunctionNames[uint32_t(f)]; }

// The tensors of each, in the order of its parameters.
inline constexpr int kMaxInputs = 4, kMaxOutputs = 2;
inline constexpr const char* kInputNames[][kMaxInputs] = {
    {"x", "w", "b"}, {"dy", "w"}, {"x", "dy"}, {"x"}, {"x", "y", "argmax", "dy"}};
inline constexpr const char* kOutputNames[][kMaxOutputs] = {
    {"y"}, {"dx"}, {"dw", "db"}, {"y", "argmax"}, {"dx"}};

enum class Task : uint32_t {
  list,  // which functions the file defines
  ask,   // whether the function takes the problem, and its workspace
  run
};

struct Call {
  Task task = Task::list;
  Function function = Function::conv2d_fprop;
  uint32_t seconds = 60;   // after which the program ends itself, by SIGALRM
  Conv2dProblem conv2d{};  // of a convolution's function
  Pool2dProblem pool2d{};  // of a pooling's
  uint64_t input_bytes[kMaxInputs] = {}, output_bytes[kMaxOutputs] = {};  // 0: not there
};

enum class Status : uint32_t {
  ok,
  unsupported,  // text: why
  breach,       // text: what the kernel did wrong
  failed        // text: why the emulation could not run it
};

struct Answer {
  Status status = Status::ok;
  uint32_t defined = 0;  // a bit for each Function
  uint64_t workspace_bytes = 0;
};

}  // namespace gabor::own
