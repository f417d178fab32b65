// What the tests tell the fake library (fake_library.cpp), and what it tells them.
#pragma once
#include <cstddef>
#include <vector>

// The engines of its graph API, by what is wrong with each.
enum FakeEngine : int { kNondeterministic, kTensorCore, kLarge, kUnbuildable, kGood, kOther };

struct FakeState {
  int calls = 0;                  // of functions that may fail
  int fail_at = 0;                // the number of the call that fails; 0: none
  int alive = 0;                  // handles and descriptors
  size_t version = 91900;         // cudnnGetVersion's
  bool no_algorithm = false;      // heuristics list none that is allowed
  bool only_fft = false;          // those of backward passes that are allowed but for that
  size_t algorithm_bytes = 1000;  // of workspace, that the older calls want
  int math = -1;                  // the last cudnnMathType_t that was set
  // What the graph API's heuristics list, the best first.
  std::vector<int> mode_a{kNondeterministic, kTensorCore, kLarge, kUnbuildable, kGood}, fallback{kOther};
  bool fuses = true;           // engines take a convolution with an epilogue
  bool execute_fails = false;  // of graphs
  int executed = 0;            // graphs
};

extern "C" FakeState* fake_state();
