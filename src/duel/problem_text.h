// Problems as one line of text, as in problem files, tables and reports.
#pragma once
#include <string>

#include "duel/problem.h"

namespace gabor {

const char* op_name(const AnyProblem& p);  // "conv2d"
std::string to_string(const AnyProblem& p);

// Reads "OP PROBLEM", where PROBLEM is what to_string writes:
//   conv2d N=32 H=28 W=28 C=6 K=16 R=5 S=5 pad=0,0 stride=1,1    core/problem/conv2d.h; conv2d may be left out
//   pool2d max N=8 H=296 W=296 C=10 R=2 S=2 stride=2,2           core/problem/pool2d.h; likewise
//   dense N=32 C=400 K=120                                       act= is left out, as of conv2d
//   softmax N=32 K=1000
//   batchnorm rows=25088 C=64 epsilon=1e-05 momentum=0.1         the last two may be left out
//   activation relu count=802816                                 alpha= for leaky_relu and elu
//   loss softmax_cross_entropy N=32 K=10                         or mse; label_smoothing=, labels=2
//   first_block u8 N=32 H=300 W=300 C=3 K=10 R=5 S=5 | max R=2 S=2 stride=2,2
//                u8 pictures in 0..1, or f32; what follows | is the pooling of that map; left out: 2x2
// Throws Error{usage} for unknown words and for what makes no sense.
AnyProblem parse_problem(const std::string& text);

}  // namespace gabor
