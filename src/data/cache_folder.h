// The folder of caches: where it is, what its files are called, and how much of the disk they may take.
#pragma once
#include <cstdint>
#include <string>

#include "data/resize.h"

namespace gabor {

// $XDG_CACHE_HOME/gabor, else ~/.cache/gabor; "" where neither variable is set.
std::string default_cache_folder();

// One name for each data set (source: its paths) and each form of its pictures, so that a stale file is
// replaced and not kept beside its successor. name: begins the file's name, for people.
std::string cache_file_name(const std::string& name, const std::string& source, int height, int width,
                            int channels, Resize resize);

// Makes room for a file of `needed` bytes at `path`, in a folder that exists. Other caches in it are removed, the
// longest unused first, until all are within max_bytes. "" when there is room, else the reason, in words:
// max_bytes is too small, or the file would take more than half of what the disk has free.
std::string make_cache_room(const std::string& path, uint64_t needed, uint64_t max_bytes);

}  // namespace gabor
