// What tests ask of the files that a run writes.
#pragma once
#include <string>

namespace gabor::testing {

// Waits (at most 20 s) until there is such a file: last.safetensors, say, for the end of an epoch.
void await_file(const std::string& path);
// Waits (at most 20 s) until the file holds the text as often as that.
void await_text(const std::string& path, const std::string& text, int times = 1);

// Puts other text into a checkpoint's metadata, as an editor would; the first time that it stands there.
void edit_metadata(const std::string& path, const std::string& key, const std::string& from,
                   const std::string& to);

// Two checkpoints have the same tensors, bit for bit; also the optimizer's.
void expect_same_tensors(const std::string& a, const std::string& b);

}  // namespace gabor::testing
