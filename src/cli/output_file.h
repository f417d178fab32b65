// Files that a command writes on demand, e.g. --json FILE.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace gabor {

// Whether path, which need not exist, is folder or below it, however the two are written. false: folder is none.
bool is_within(const std::filesystem::path& path, const std::string& folder);

// Throws Error{usage}, where = option, if path is within the folder of one of these data sets: data is only ever read.
// "" (not asked for) and "-" (stdout) pass, as does data that is no folder.
void check_outside_data(const std::string& option, const std::string& path,
                        const std::vector<std::string>& data);

// Throws Error{usage}, where = option, if path cannot be written: a long command must not fail at its end
// because of that. "" (not asked for) and "-" (stdout) pass. Leaves no file behind.
void check_writable(const std::string& option, const std::string& path);

// The whole file or none of it (write_atomically). Throws Error{checkpoint}.
void write_text(const std::string& path, const std::string& text);

}  // namespace gabor
