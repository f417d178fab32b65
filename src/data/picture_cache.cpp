#include "data/picture_cache.h"

#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/cache_folder.h"
#include "data/decode.h"
#include "data/fingerprint.h"

namespace gabor {

namespace fs = std::filesystem;

CacheContent cache_content(const Dataset& dataset, const DatasetStamp& stamp, const CacheOptions& options) {
  Fingerprint print;
  print.add(stamp.fingerprint);
  print.add(options.version);
  print.add(decoder_versions());
  print.add(std::string(name_of(options.resize)));
  return {.key = print.value(),
          .count = uint32_t(dataset.size()),
          .height = options.height,
          .width = options.width,
          .channels = options.channels};
}

PictureCache::PictureCache(CacheOptions options, const CacheContent& content,
                           const std::vector<uint32_t>& wanted)
    : options_(std::move(options)), content_(content) {
  std::error_code error;
  if (fs::exists(options_.path, error)) open_file();
  if (state_ == State::off && !wanted.empty()) begin_file(wanted);
}

PictureCache::~PictureCache() = default;

void PictureCache::open_file() {
  try {
    file_ = std::make_unique<File>(options_.path);
    index_ = read_index(*file_, content_);
    verified_.assign(content_.count, false);
    state_ = State::ready;
    std::error_code error;
    fs::last_write_time(options_.path, fs::file_time_type::clock::now(), error);  // used: see make_cache_room
  } catch (const Error& e) {
    notes_.push_back(fmt::format("the old file is not used: it {}", e.what()));
    file_.reset();
  }
}

void PictureCache::begin_file(const std::vector<uint32_t>& wanted) {
  try {
    std::error_code error;
    fs::create_directories(fs::path(options_.path).parent_path(), error);  // a failure shows below
    fs::remove(options_.path, error);  // of no use, and its space may be needed
    const std::string no_room = make_cache_room(options_.path, content_.file_bytes(), options_.max_bytes);
    if (!no_room.empty()) fail(ErrorCode::data, "", "{}", no_room);
    writer_ = std::make_unique<CacheWriter>(options_.path, content_);
    file_ = std::make_unique<File>(writer_->temporary_path());
  } catch (const Error& e) {
    notes_.push_back(e.what());
    return;
  }
  index_.assign(content_.count, {});
  verified_.assign(content_.count, false);
  awaited_.assign(content_.count, false);
  for (uint32_t sample : wanted) awaited_.at(sample) = true;
  for (bool awaited : awaited_) missing_ += awaited;
  state_ = State::building;
}

bool PictureCache::load(uint32_t sample, uint8_t* pixels) {
  IndexEntry entry;
  bool verified = false;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::off) return false;
    entry = index_.at(sample);
    verified = verified_[sample];
  }
  if (!entry.present) return false;
  bool whole = false;
  try {
    file_->read_at(content_.record_at(sample), pixels, content_.record_bytes());
    whole = verified || hash_bytes({pixels, content_.record_bytes()}) == entry.hash;
  } catch (const Error&) {  // as bad as a wrong byte
  }
  if (!whole) {
    drop_damaged();
    return false;
  }
  if (!verified) {
    const std::lock_guard lock(mutex_);
    verified_[sample] = true;
  }
  return true;
}

void PictureCache::store(uint32_t sample, const uint8_t* pixels) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::building || index_.at(sample).present) return;
  }
  try {
    writer_->write_record(sample, pixels);
  } catch (const Error& e) {
    return give_up(e.what());
  }
  const uint64_t hash = hash_bytes({pixels, content_.record_bytes()});
  {
    const std::lock_guard lock(mutex_);
    index_[sample] = {hash, 1};
  }
  count_off(sample);
}

void PictureCache::skip(uint32_t sample) { count_off(sample); }

// The last wanted picture makes the file whole. It is published outside the lock, so that others go on loading.
void PictureCache::count_off(uint32_t sample) {
  std::vector<IndexEntry> index;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::building || !awaited_[sample]) return;
    awaited_[sample] = false;
    if (--missing_ > 0) return;
    index = index_;
  }
  try {
    writer_->publish(index);
  } catch (const Error& e) {
    return give_up(e.what());
  }
  const std::lock_guard lock(mutex_);
  state_ = State::ready;
}

void PictureCache::give_up(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::off) return;  // told already
  state_ = State::off;
  notes_.push_back(fmt::format("goes on without the cache: {}", reason));
}

// Removed, so that the next run makes it anew; this one goes on with the records that are whole.
void PictureCache::drop_damaged() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(told_damage_, true)) return;
  if (state_ == State::building) state_ = State::off;  // and so never given its name
  std::error_code error;
  fs::remove(options_.path, error);
  notes_.push_back(
      fmt::format("the cache {} is damaged: it was removed, and its damaged pictures are decoded",
                  printable(options_.path)));
}

PictureCache::State PictureCache::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::vector<std::string> PictureCache::take_notes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notes_, {});
}

}  // namespace gabor
