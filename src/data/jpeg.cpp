#include "data/jpeg.h"

#include <csetjmp>
#include <cstdio>
// jpeglib.h needs <cstdio> before it
#include <jerror.h>
#include <jpeglib.h>

#include "core/error.h"

namespace gabor {
namespace {

constexpr int kMaxScans = 100;  // a progressive file of thousands of scans takes minutes to decode

// libjpeg reports errors by a call that must not return, hence longjmp: no object with a destructor may live
// in the frames between setjmp and libjpeg. Reader keeps to that: its members are plain, and memory is
// allocated outside.
struct Errors {
  jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void stop(j_common_ptr info) {
  auto* errors = reinterpret_cast<Errors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // trace only
  const int code = info->err->msg_code;
  const bool metadata_only = code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_ICC;
  if (!metadata_only) stop(info);
}

void on_progress(j_common_ptr info) {
  auto* d = reinterpret_cast<j_decompress_ptr>(info);
  if (d->is_decompressor && d->input_scan_number > kMaxScans) ERREXIT(info, JERR_BAD_PROGRESSION);
}

class Reader {
 public:
  Reader() {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = stop;
    errors_.manager.emit_message = on_message;
    errors_.message[0] = 0;
    progress_.progress_monitor = on_progress;
  }
  ~Reader() { jpeg_destroy_decompress(&info_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool open(const uint8_t* data, size_t bytes, bool gray, const std::optional<ImageSize>& at_least) {
    if (setjmp(errors_.jump)) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, data, static_cast<unsigned long>(bytes));
    jpeg_read_header(&info_, TRUE);
    const bool four = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    const bool has_luma = info_.jpeg_color_space == JCS_YCbCr || info_.jpeg_color_space == JCS_GRAYSCALE;
    info_.out_color_space = four ? JCS_CMYK : gray && has_luma ? JCS_GRAYSCALE : JCS_RGB;
    info_.dct_method = JDCT_ISLOW;
    info_.scale_denom = at_least ? denominator_for(*at_least) : 1;
    jpeg_calc_output_dimensions(&info_);
    return true;
  }

  // Writes all rows of height x width x components, and reads on to the end-of-image marker.
  bool read(uint8_t* pixels) {
    if (setjmp(errors_.jump)) return false;
    jpeg_start_decompress(&info_);
    const size_t row_bytes = size_t(info_.output_width) * size_t(info_.output_components);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + row_bytes * info_.output_scanline;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  int height() const { return int(info_.output_height); }
  int width() const { return int(info_.output_width); }
  int components() const { return info_.out_color_components; }
  bool inverted() const { return info_.saw_Adobe_marker; }
  const char* message() const { return errors_.message; }

 private:
  unsigned denominator_for(const ImageSize& at_least) const {
    const auto fits = [](unsigned side, unsigned denominator, int least) {
      return side % denominator == 0 && side / denominator >= unsigned(least);
    };
    for (unsigned denominator : {8u, 4u, 2u})
      if (fits(info_.image_height, denominator, at_least.height) &&
          fits(info_.image_width, denominator, at_least.width))
        return denominator;
    return 1;
  }

  jpeg_decompress_struct info_{};
  jpeg_progress_mgr progress_{};
  Errors errors_;
};

// Adobe writes 255 - ink. Light that passes both the colour and the black: (255 - C)(255 - K) / 255.
void cmyk_to_rgb(const Image& cmyk, bool inverted, Image& rgb) {
  rgb.reshape(cmyk.height, cmyk.width, 3);
  const uint8_t flip = inverted ? 0 : 255;
  const size_t count = size_t(cmyk.height) * size_t(cmyk.width);
  for (size_t i = 0; i < count; i++) {
    const uint8_t* in = &cmyk.pixels[4 * i];
    const int k = in[3] ^ flip;
    for (size_t c = 0; c < 3; c++) rgb.pixels[3 * i + c] = uint8_t(((in[c] ^ flip) * k + 127) / 255);
  }
}

}  // namespace

void decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int channels,
                 const std::optional<ImageSize>& at_least, Image& image) {
  Reader reader;
  const auto damaged = [&] {
    fail(ErrorCode::data, name, "JPEG is damaged: {}; replace or remove it", reader.message());
  };
  if (!reader.open(bytes.data(), bytes.size(), channels == 1, at_least)) damaged();
  image.reshape(reader.height(), reader.width(), reader.components());
  if (!reader.read(image.pixels.data())) damaged();
  if (image.channels == 4) {
    Image rgb;
    cmyk_to_rgb(image, reader.inverted(), rgb);
    image = std::move(rgb);
  }
}

std::string jpeg_version() { return fmt::format("libjpeg-turbo {}", LIBJPEG_TURBO_VERSION_NUMBER); }

}  // namespace gabor
