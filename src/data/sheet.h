// A picture of pictures for people's eyes, in rows of square tiles with text between them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/image.h"

namespace gabor {

// Grows downwards, a strip at a time; what is drawn goes onto the last strip. Names are drawn in ASCII, other bytes as
// '?', and keep their end where they are too long.
class Sheet {
 public:
  static constexpr int kGap = 4, kLine = 16;  // pixels: between tiles; of a line of text

  struct Colour {
    uint8_t red, green, blue;
  };

  // columns of tiles of tile x tile pixels.
  Sheet(int columns, int tile) : columns_(columns), tile_(tile) {}

  void heading(const std::string& text);  // a strip of its own
  void strip(int height);
  int x_of(int column) const { return kGap + column * (tile_ + kGap); }
  int tile() const { return tile_; }
  int width() const { return x_of(columns_); }

  // A tile whose upper left corner is at x, y of the strip. image: RGB, keeps its shape and is centred; null: a gray
  // tile.
  void paste(int x, int y, const Image* image);
  void bar(int x, int y, int width, Colour colour);  // kGap high
  // y: of the base line; width: pixels that the text may take.
  void write(int x, int y, const std::string& text, int width);

  std::vector<uint8_t> png() const;  // the bytes of a PNG file

 private:
  int columns_, tile_;
  std::vector<Image> strips_;
};

}  // namespace gabor
