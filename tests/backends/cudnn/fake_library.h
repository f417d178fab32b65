// What the tests tell the fake library (fake_library.cpp), and what it tells them.
#pragma once
#include <cstddef>
#include <vector>

struct FakeState {
  int calls = 0;              // of functions that may fail
  int fail_at = 0;            // the number of the call that fails; 0: none
  int alive = 0;              // handles and descriptors
  size_t version = 91900;     // cudnnGetVersion's
  bool no_algorithm = false;  // heuristics list none that is allowed
  int math = -1;              // the last cudnnMathType_t that was set
};

extern "C" FakeState* fake_state();
