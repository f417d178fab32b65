// One picture of a whole data set, for people's eyes: wrong labels and odd files show at a glance.
#pragma once
#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/doctor.h"

namespace gabor {

struct SheetOptions {
  int columns = 8;       // samples of a class, in one row
  int tile = 96;         // pixels, both ways; a picture keeps its shape and is centred
  int max_classes = 50;  // the first ones; the sheet says how many are left out
  int max_pairs = 20;    // exact duplicates, and as many near ones, the most harmful first
};

// The bytes of a PNG: a row of samples of each class, evenly spread over its files (train, val, test), then
// the pairs of duplicates: with a red bar where the labels differ, an orange one across parts of the split.
// What cannot be decoded is a grey tile. Names are drawn in ASCII, other bytes as '?'. Reads the pictures
// shown again; throws nothing for what it finds.
std::vector<uint8_t> contact_sheet(const DataSplits& data, const DataReport& report,
                                   const SheetOptions& options = {});

}  // namespace gabor
