// The table of mistakes_test.cpp.
#pragma once
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace gabor::testing {

struct Mistake {
  std::string name;
  std::vector<std::string> args;  // {w} = the test's folder, where the command runs
  int code;
  std::string line;  // the last line of stderr
};

inline void PrintTo(const Mistake& m, std::ostream* out) { *out << m.name; }

const std::vector<Mistake>& training_mistakes();  // of summary and plan too
const std::vector<Mistake>& other_mistakes();

// Model files and lists that the mistakes use: name, text.
extern const std::vector<std::pair<std::string, std::string>> kModelFiles;

}  // namespace gabor::testing
