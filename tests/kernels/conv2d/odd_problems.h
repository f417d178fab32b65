// Shapes that catch edge errors, as data for tests that have no parser of problems: the first `odd` lines of
// tests/problems/conv2d.txt and the article's layer, scaled down where the CPU would take long (9 images for 33; 37 pixels
// a side for 300), which keeps what is odd about them.
#pragma once
#include <vector>

#include "core/problem/conv2d.h"

namespace gabor::kernels::conv2d {

inline std::vector<Conv2dProblem> odd_problems() {
  return {
      {.N = 1, .H = 7, .W = 5, .C = 1, .K = 1, .R = 3, .S = 3, .pad = {}, .activation = {}},
      {.N = 2,
       .H = 9,
       .W = 11,
       .C = 3,
       .K = 10,
       .R = 5,
       .S = 5,
       .pad = {2, 2, 2, 2},
       .stride_h = 2,
       .stride_w = 2,
       .activation = {}},
      {.N = 3,
       .H = 17,
       .W = 13,
       .C = 5,
       .K = 7,
       .R = 1,
       .S = 7,
       .pad = {0, 0, 3, 3},
       .stride_w = 2,
       .activation = {}},
      {.N = 9, .H = 6, .W = 6, .C = 17, .K = 33, .R = 3, .S = 3, .pad = {1, 1, 1, 1}, .activation = {}},
      {.N = 1, .H = 37, .W = 37, .C = 3, .K = 10, .R = 5, .S = 5, .pad = {}, .activation = {}},
      {.N = 5,
       .H = 8,
       .W = 8,
       .C = 4,
       .K = 129,
       .R = 2,
       .S = 2,
       .pad = {},
       .stride_h = 2,
       .stride_w = 2,
       .activation = {}},
      {.N = 2,
       .H = 67,
       .W = 3,
       .C = 2,
       .K = 3,
       .R = 7,
       .S = 2,
       .pad = {3, 3, 0, 0},
       .stride_h = 3,
       .activation = {}},
  };
}

}  // namespace gabor::kernels::conv2d
