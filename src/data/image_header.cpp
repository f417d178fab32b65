#include "data/image_header.h"

#include <zlib.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/error.h"

namespace gabor {
namespace {

using Bytes = std::span<const uint8_t>;

uint32_t big16(Bytes b, size_t at) { return uint32_t(b[at]) << 8 | b[at + 1]; }
uint32_t big32(Bytes b, size_t at) { return big16(b, at) << 16 | big16(b, at + 2); }
uint32_t little16(Bytes b, size_t at) { return uint32_t(b[at + 1]) << 8 | b[at]; }
uint32_t little24(Bytes b, size_t at) { return uint32_t(b[at + 2]) << 16 | little16(b, at); }
uint32_t little32(Bytes b, size_t at) { return little16(b, at + 2) << 16 | little16(b, at); }

bool has(Bytes b, size_t at, std::string_view text) {
  return b.size() >= at + text.size() && std::memcmp(b.data() + at, text.data(), text.size()) == 0;
}

[[noreturn]] void cut_short(const std::string& name, const char* kind) {
  fail(ErrorCode::data, name, "{} file is cut short; replace or remove it", kind);
}

// The orientation tag (0x0112) of a TIFF block, 1 where there is none or the block makes no sense: a picture
// with broken metadata is still a good picture.
int tiff_orientation(Bytes t) {
  if (t.size() < 8) return 1;
  const bool big = has(t, 0, "MM");
  if (!big && !has(t, 0, "II")) return 1;
  const auto u16 = [&](size_t at) { return big ? big16(t, at) : little16(t, at); };
  const auto u32 = [&](size_t at) { return big ? big32(t, at) : little32(t, at); };
  const size_t ifd = u32(4);
  if (ifd > t.size() - 2) return 1;
  const size_t entries = u16(ifd);
  for (size_t e = 0; e < entries; e++) {
    const size_t at = ifd + 2 + 12 * e;
    if (at + 12 > t.size()) return 1;
    if (u16(at) != 0x0112) continue;
    const uint32_t value = u16(at + 8);
    return u16(at + 2) == 3 && value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

ImageHeader read_jpeg(Bytes b, const std::string& name) {
  ImageHeader h{.kind = ImageKind::jpeg};
  size_t at = 2;
  while (at + 4 <= b.size()) {
    if (b[at] != 0xFF)
      fail(ErrorCode::data, name, "JPEG header is damaged at byte {}; replace or remove it", at);
    const int marker = b[at + 1];
    if (marker == 0xFF) {  // fill byte
      at++;
      continue;
    }
    if (marker == 0xD8 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {  // no length follows
      at += 2;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;  // pixels or the end
    const size_t length = big16(b, at + 2);
    if (length < 2 || at + 2 + length > b.size()) cut_short(name, "JPEG");
    const Bytes body = b.subspan(at + 4, length - 2);
    const bool is_sof =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_sof) {
      if (body.size() < 6) cut_short(name, "JPEG");
      h.height = big16(body, 1);
      h.width = big16(body, 3);
    } else if (marker == 0xE1 && has(body, 0, std::string_view("Exif\0\0", 6))) {
      h.orientation = tiff_orientation(body.subspan(6));
    }
    at += 2 + length;
  }
  if (h.width == 0 && h.height == 0) cut_short(name, "JPEG");
  return h;
}

ImageHeader read_png(Bytes b, const std::string& name) {
  if (b.size() < 33) cut_short(name, "PNG");
  if (!has(b, 12, "IHDR"))
    fail(ErrorCode::data, name, "PNG does not begin with its header chunk; replace or remove it");
  ImageHeader h{.kind = ImageKind::png, .width = big32(b, 16), .height = big32(b, 20)};
  for (size_t at = 33; at + 12 <= b.size();) {
    const size_t length = big32(b, at);
    if (length > b.size() - at - 12) break;  // check_container says so
    if (has(b, at + 4, "eXIf")) h.orientation = tiff_orientation(b.subspan(at + 8, length));
    at += 12 + length;
  }
  return h;
}

ImageHeader read_bmp(Bytes b, const std::string& name) {
  if (b.size() < 26) cut_short(name, "BMP");
  ImageHeader h{.kind = ImageKind::bmp};
  if (little32(b, 14) == 12) {  // the OS/2 header of 12 bytes
    h.width = little16(b, 18), h.height = little16(b, 20);
  } else {
    h.width = int32_t(little32(b, 18));
    h.height = std::abs(int64_t{int32_t(little32(b, 22))});  // negative: rows from the top
  }
  return h;
}

ImageHeader read_webp(Bytes b, const std::string& name) {
  if (b.size() < 30) cut_short(name, "WebP");
  ImageHeader h{.kind = ImageKind::webp};
  if (has(b, 12, "VP8X")) {
    h.width = little24(b, 24) + 1, h.height = little24(b, 27) + 1;
    for (size_t at = 12; at + 8 <= b.size();) {
      const size_t length = little32(b, at + 4);
      if (length > b.size() - at - 8) break;
      if (has(b, at, "EXIF")) {
        Bytes exif = b.subspan(at + 8, length);
        if (has(exif, 0, std::string_view("Exif\0\0", 6))) exif = exif.subspan(6);
        h.orientation = tiff_orientation(exif);
      }
      at += 8 + length + length % 2;
    }
  } else if (has(b, 12, "VP8L")) {
    const uint32_t bits = little32(b, 21);
    h.width = (bits & 0x3FFF) + 1, h.height = (bits >> 14 & 0x3FFF) + 1;
  } else if (has(b, 12, "VP8 ")) {
    h.width = little16(b, 26) & 0x3FFF, h.height = little16(b, 28) & 0x3FFF;
  } else {
    fail(ErrorCode::data, name, "WebP of an unknown kind; convert it to PNG or JPEG");
  }
  return h;
}

void check_png(Bytes b, const std::string& name) {
  size_t at = 8;
  while (true) {
    if (b.size() - at < 12) cut_short(name, "PNG");
    const size_t length = big32(b, at);
    if (length > b.size() - at - 12) cut_short(name, "PNG");
    for (size_t c = at + 4; c < at + 8; c++)
      if (((b[c] | 0x20) < 'a') || ((b[c] | 0x20) > 'z'))
        fail(ErrorCode::data, name, "PNG is damaged: no chunk begins at byte {}; replace or remove it", at);
    const bool critical = (b[at + 4] & 0x20) == 0;
    if (critical) {
      const uint32_t crc = uint32_t(crc32(0, b.data() + at + 4, uInt(length + 4)));
      if (crc != big32(b, at + 8 + length))
        fail(ErrorCode::data, name,
             "PNG is damaged: wrong checksum in the chunk at byte {}; replace or remove it", at);
    }
    if (has(b, at + 4, "IEND")) return;
    at += 12 + length;
  }
}

void check_bmp(Bytes b, const ImageHeader& h, const std::string& name) {
  const bool os2 = little32(b, 14) == 12;
  if (!os2 && b.size() < 34) cut_short(name, "BMP");
  const uint32_t compression = os2 ? 0 : little32(b, 30);
  if (compression > 3)
    fail(ErrorCode::data, name, "BMP of an unsupported kind (compression {}); convert it to PNG or JPEG",
         compression);
  const bool has_colours = little32(b, 14) >= 40 && b.size() >= 50;
  if (has_colours && little32(b, 46) > 256)
    fail(ErrorCode::data, name, "BMP is damaged: a palette of {} colours; replace or remove it",
         little32(b, 46));
  if (compression == 1 || compression == 2) return;  // run lengths: the size cannot be known beforehand
  const int64_t bits = little16(b, os2 ? 24 : 28);
  const int64_t row = (h.width * bits + 31) / 32 * 4;
  const int64_t rest = int64_t(b.size()) - int64_t(little32(b, 10));
  // divided, not multiplied: these sizes are as the file says, and may be anything
  if (row < 0 || rest < 0 || (row > 0 && h.height > rest / row)) cut_short(name, "BMP");
}

void check_webp(Bytes b, const std::string& name) {
  if (uint64_t{little32(b, 4)} + 8 > b.size()) cut_short(name, "WebP");
  // When libwebp refuses a file, OpenCV asks its other decoders, and two know theirs by a mark that is not at
  // the beginning: DICOM's then allocates gigabytes for a size that nobody has checked.
  if (has(b, 128, "DICM") || has(b, 140, "DTED"))
    fail(ErrorCode::data, name, "WebP is damaged: it has the mark of another format; replace or remove it");
}

}  // namespace

const char* name_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::jpeg:
      return "JPEG";
    case ImageKind::png:
      return "PNG";
    case ImageKind::bmp:
      return "BMP";
    case ImageKind::webp:
      return "WebP";
  }
  return "?";
}

ImageHeader read_image_header(Bytes b, const std::string& name) {
  if (b.empty()) fail(ErrorCode::data, name, "file is empty; replace or remove it");
  if (has(b, 0, "\xFF\xD8\xFF")) return read_jpeg(b, name);
  if (has(b, 0, "\x89PNG\r\n\x1A\n")) return read_png(b, name);
  if (has(b, 0, "RIFF") && has(b, 8, "WEBP")) return read_webp(b, name);
  if (has(b, 0, "BM")) return read_bmp(b, name);
  fail(ErrorCode::data, name, "not a JPEG, PNG, BMP or WebP file by its first bytes; convert or remove it");
}

void check_container(Bytes b, const ImageHeader& header, const std::string& name) {
  switch (header.kind) {
    case ImageKind::jpeg:
      return;
    case ImageKind::png:
      return check_png(b, name);
    case ImageKind::bmp:
      return check_bmp(b, header, name);
    case ImageKind::webp:
      return check_webp(b, name);
  }
}

}  // namespace gabor
