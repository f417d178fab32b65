// The rules of the house as functions from one source file to what is wrong with it. tree_test.cpp applies
// them to the whole tree; rules_test.cpp shows each one a file that breaks it.
#pragma once
#include <string>
#include <vector>

namespace gabor::arch {

struct SourceFile {
  std::string path;  // from the root of the repository, e.g. "src/core/shape.h"
  std::string text;
};

// Every C++ and CUDA file below src, include, kernels, tests and tools, sorted by path.
std::vector<SourceFile> read_tree(const std::string& root);

// Each check returns one line per violation, "path:line: what is wrong"; none = empty.
using Violations = std::vector<std::string>;

// Arrows of the design: a folder includes only what the table in rules.cpp allows it.
Violations check_arrows(const SourceFile& file);

// OpenCV, oneDNN, Highway, ... are each seen by few folders, and the public headers see the standard library
// alone.
Violations check_third_party(const SourceFile& file);

// Outside src/cli the library does not print, exit or abort, and keeps no thread-local state.
Violations check_silence(const SourceFile& file);

// At most 250 lines a kernel, 150 a layer, 500 any other file; names say what is inside; no tabs, no CRLF.
Violations check_shape(const SourceFile& file);

}  // namespace gabor::arch
