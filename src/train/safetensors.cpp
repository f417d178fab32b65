#include "train/safetensors.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

using nlohmann::json;
constexpr uint64_t kMaxHeader = 16u << 20;
constexpr size_t kMaxTensors = 65536;
constexpr const char* kHashKey = "gabor.xxh3";

std::string hash_text(const uint8_t* data, size_t bytes) {
  const XXH128_hash_t h = XXH3_128bits(data, bytes);
  return fmt::format("{:016x}{:016x}", h.high64, h.low64);
}

[[noreturn]] void damaged(const std::string& where, const std::string& what) {
  fail(ErrorCode::checkpoint, where, "is not a sound safetensors file: {}", what);
}

// JSON that refuses duplicate keys (the parser would keep the last) and deep nesting.
json parse_header(const char* begin, const char* end, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  std::string bad;
  auto callback = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 4) bad = "the header is nested too deep";
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(parsed.get<std::string>()).second)
      bad = fmt::format("the name '{}' stands twice in the header", printable(parsed.get<std::string>()));
    return bad.empty();
  };
  json header;
  try {
    header = json::parse(begin, end, callback);
  } catch (const json::exception&) {
    damaged(where, "the header is not valid JSON");
  }
  if (!bad.empty()) damaged(where, bad);
  if (!header.is_object()) damaged(where, "the header is not a JSON object");
  return header;
}

struct Entry {
  std::string name;
  Shape shape;
  uint64_t begin, end;
};

Entry parse_entry(const std::string& name, const json& j, uint64_t data_bytes, const std::string& where) {
  const std::string shown = printable(name);
  if (!j.is_object() || j.size() != 3 || !j.contains("dtype") || !j.contains("shape") ||
      !j.contains("data_offsets"))
    damaged(where, fmt::format("tensor '{}' lacks dtype, shape or data_offsets", shown));
  if (j["dtype"] != "F32")
    fail(ErrorCode::checkpoint, where, "tensor '{}' is {}; only F32 is read", shown, j["dtype"].dump());
  const json &shape = j["shape"], &offsets = j["data_offsets"];
  if (!shape.is_array() || shape.size() > Shape::kMaxRank)
    damaged(where, fmt::format("tensor '{}' has more than {} dimensions", shown, Shape::kMaxRank));
  Entry e{name, {}, 0, 0};
  uint64_t elements = 1;
  for (const json& d : shape) {
    if (!d.is_number_unsigned())
      damaged(where, fmt::format("tensor '{}' has a dimension that is no count", shown));
    const uint64_t n = d.get<uint64_t>();
    if (n > (uint64_t{1} << 40) || __builtin_mul_overflow(elements, n, &elements))
      damaged(where, fmt::format("tensor '{}' is too large", shown));
    e.shape = e.shape.append(int64_t(n));
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    damaged(where, fmt::format("tensor '{}' has bad data_offsets", shown));
  e.begin = offsets[0].get<uint64_t>(), e.end = offsets[1].get<uint64_t>();
  uint64_t bytes = 0;
  if (e.begin > e.end || e.end > data_bytes || __builtin_mul_overflow(elements, uint64_t{4}, &bytes) ||
      e.end - e.begin != bytes)
    damaged(where, fmt::format("tensor '{}' does not match its bytes", shown));
  return e;
}

}  // namespace

const SafeTensor* SafeTensors::find(const std::string& name) const {
  for (const SafeTensor& t : tensors)
    if (t.name == name) return &t;
  return nullptr;
}

// Writes into one buffer as long as the file: a checkpoint of a large net is itself large. The header holds the hash
// of the data but its length does not depend on it, so it is written once to learn the length, and again at the end.
std::vector<uint8_t> encode_safetensors(const SafeTensors& file) {
  json header = json::object();
  size_t data_bytes = 0;
  for (const SafeTensor& t : file.tensors) {
    json shape = json::array();
    for (int i = 0; i < t.shape.rank(); i++) shape.push_back(t.shape[i]);
    const size_t begin = data_bytes;
    data_bytes += t.data.size() * sizeof(float);
    header[t.name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data_bytes}}};
  }
  const auto text_with = [&](const std::string& hash) {
    json metadata = file.metadata;
    metadata[kHashKey] = hash;
    header["__metadata__"] = metadata;
    std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // data starts on 8 bytes
    return text;
  };
  const uint64_t length = text_with(hash_text(nullptr, 0)).size();
  std::vector<uint8_t> out(sizeof length + length + data_bytes);
  uint8_t* data = out.data() + sizeof length + length;
  size_t at = 0;
  for (const SafeTensor& t : file.tensors) {
    const size_t bytes = t.data.size() * sizeof(float);
    if (bytes) std::memcpy(data + at, t.data.data(), bytes);
    at += bytes;
  }
  const std::string text = text_with(hash_text(data, data_bytes));
  std::memcpy(out.data(), &length, sizeof length);
  std::memcpy(out.data() + sizeof length, text.data(), text.size());
  return out;
}

SafeTensors decode_safetensors(std::span<const uint8_t> bytes, const std::string& where) {
  uint64_t length = 0;
  if (bytes.size() < sizeof length + 2) damaged(where, "it is too short");
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length < 2 || length > kMaxHeader || length > bytes.size() - sizeof length)
    damaged(where, "it is cut short, or no safetensors file at all");
  const char* text = reinterpret_cast<const char*>(bytes.data()) + sizeof length;
  if (text[0] != '{') damaged(where, "the header does not begin with '{'");
  const json header = parse_header(text, text + length, where);
  const uint8_t* data = bytes.data() + sizeof length + length;
  const uint64_t data_bytes = bytes.size() - sizeof length - length;

  SafeTensors out;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) damaged(where, "its metadata is no object");
      for (const auto& [k, v] : value.items()) {
        if (!v.is_string()) damaged(where, "its metadata holds something that is no text");
        out.metadata[k] = v.get<std::string>();
      }
      continue;
    }
    if (entries.size() == kMaxTensors) damaged(where, fmt::format("more than {} tensors", kMaxTensors));
    entries.push_back(parse_entry(name, value, data_bytes, where));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0;
  for (const Entry& e : entries) {
    if (e.begin != at)
      damaged(where, fmt::format("there is a hole or an overlap before tensor '{}'", printable(e.name)));
    at = e.end;
  }
  if (at != data_bytes) damaged(where, "its length does not match its header (cut short?)");
  if (const auto it = out.metadata.find(kHashKey);
      it != out.metadata.end() && it->second != hash_text(data, data_bytes))
    damaged(where, "the checksum of its data does not match (damaged file)");

  for (const Entry& e : entries) {
    SafeTensor t{e.name, e.shape, std::vector<float>((e.end - e.begin) / sizeof(float))};
    if (!t.data.empty()) std::memcpy(t.data.data(), data + e.begin, e.end - e.begin);
    out.tensors.push_back(std::move(t));
  }
  std::sort(out.tensors.begin(), out.tensors.end(),
            [](const SafeTensor& a, const SafeTensor& b) { return a.name < b.name; });
  return out;
}

}  // namespace gabor
