#include "data/near_duplicates.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/parallel.h"

namespace gabor {
namespace {

constexpr int kBands = 8;
constexpr uint32_t kValues = 1 << 16;
static_assert(kMaxHashDistance < kBands, "some band must have no wrong bit");

using Bands = std::array<uint16_t, kBands>;

// Both hashes are 8 x 8 bits. A band takes a diagonal of each: pictures that agree at an edge or in a corner,
// such as digits on black, then agree in a few bits of every band and not in all bits of one.
Bands bands_of(const Sketch& s) {
  Bands bands{};
  for (const uint64_t hash : s.hash)
    for (int row = 0; row < 8; row++)
      for (int column = 0; column < 8; column++) {
        uint16_t& band = bands[size_t((row + column) % kBands)];
        band = uint16_t(band << 1 | (hash >> (8 * row + column) & 1));
      }
  return bands;
}

// Sketches by the value of one band: members[begin[v] .. begin[v + 1]) have v, in rising order.
struct Index {
  std::vector<uint32_t> begin, members;
};

Index index_of(const std::vector<Bands>& bands, size_t band) {
  Index index{std::vector<uint32_t>(kValues + 1), std::vector<uint32_t>(bands.size())};
  for (const Bands& b : bands) index.begin[b[band] + 1u]++;
  std::partial_sum(index.begin.begin(), index.begin.end(), index.begin.begin());
  std::vector<uint32_t> next(index.begin.begin(), index.begin.end() - 1);
  for (uint32_t i = 0; i < bands.size(); i++) index.members[next[bands[i][band]]++] = i;
  return index;
}

// Those before i that are near enough by their hashes.
std::vector<uint32_t> candidates(std::span<const Sketch> sketches, const std::vector<Index>& indices,
                                 const Bands& bands, uint32_t i) {
  std::vector<uint32_t> found;
  for (size_t band = 0; band < kBands; band++) {
    const Index& index = indices[band];
    const uint32_t value = bands[band];
    for (uint32_t at = index.begin[value]; at < index.begin[value + 1] && index.members[at] < i; at++)
      if (hamming_distance(sketches[index.members[at]], sketches[i]) <= kMaxHashDistance)
        found.push_back(index.members[at]);
  }
  std::sort(found.begin(), found.end());  // several bands may find the same
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace

std::vector<NearPair> near_pairs(std::span<const Sketch> sketches) {
  std::vector<Bands> bands;
  for (const Sketch& s : sketches) bands.push_back(bands_of(s));
  std::vector<Index> indices;
  for (size_t band = 0; band < kBands; band++) indices.push_back(index_of(bands, band));
  std::vector<std::vector<NearPair>> of_second(sketches.size());
  parallel_for(int64_t(sketches.size()), [&](int64_t at) {
    const auto i = uint32_t(at);
    if (sketches[i].flat) return;
    for (uint32_t first : candidates(sketches, indices, bands[i], i)) {
      const double r = correlation(sketches[first], sketches[i]);
      if (r >= kMinCorrelation)
        of_second[i].push_back({first, i, hamming_distance(sketches[first], sketches[i]), r});
    }
  });
  std::vector<NearPair> pairs;
  for (const auto& found : of_second) pairs.insert(pairs.end(), found.begin(), found.end());
  return pairs;
}

}  // namespace gabor
