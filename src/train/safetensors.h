#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace gabor {

// The safetensors file format (huggingface/safetensors, README "Format"): u64 header length, JSON header,
// data. Only F32 tensors are written and read here; a file with others is refused by name.
struct SafeTensor {
  std::string name;
  Shape shape;  // rank <= 4
  std::vector<float> data;
};

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::vector<SafeTensor> tensors;  // sorted by name when read
  const SafeTensor* find(const std::string& name) const;
};

// The whole file in memory. Adds metadata "gabor.xxh3": XXH3-128 of the data section, checked on reading.
std::vector<uint8_t> encode_safetensors(const SafeTensors& file);

// Strict: header at most 16 MiB and within the file, no duplicate keys, offsets contiguous and in bounds,
// shapes that match their bytes, no trailing bytes. Nothing is allocated for a tensor before all checks. A
// missing checksum is allowed (files of other programs). Throws Error{checkpoint}; where names the file.
SafeTensors decode_safetensors(std::span<const uint8_t> bytes, const std::string& where);

SafeTensors read_safetensors(const std::string& path);

// Writes beside `path` under a temporary name, syncs, renames over it, syncs the folder: at every moment
// `path` is either the old file or the new one, whole. Throws Error{checkpoint} naming path and reason; the
// old file stays.
void write_atomically(const std::string& path, std::span<const uint8_t> bytes);

}  // namespace gabor
