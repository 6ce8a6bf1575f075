#include "stages/read-file/bounded_files.h"

#include <algorithm>

#include "stages/read-file/splits.h"

namespace stream {

BoundedFiles::BoundedFiles(InputFiles& files, MakeDecoder make_decoder)
    : input_(files), make_decoder_(std::move(make_decoder)) {}

Status BoundedFiles::open_split(Position& split) {
  STREAM_ASSIGN(std::shared_ptr<InputFile> file, input_.open(split.path));
  STREAM_ASSIGN(const bool same, head_matches(*file, split));
  if (!same)
    return usage_error("'" + split.path +
                       "' is not the file any more that was to be read: its beginning has changed; put the old one "
                       "back, or begin again with --fresh");
  STREAM_ASSIGN(const Compression compression, detect_compression(*file));
  auto offset = static_cast<std::uint64_t>(split.offset);
  std::unique_ptr<ByteReader> bytes;
  if (compression != Compression::kNone) {
    bytes = decompressing_reader(range_reader(file, 0, UINT64_MAX), compression);
    STREAM_TRY(skip_bytes(*bytes, offset));
  } else {
    std::uint64_t end = UINT64_MAX;
    if (split.begin != 0 && split.offset == split.begin) { STREAM_ASSIGN(offset, align_to_record(*file, offset)); }
    if (split.end != kToEnd) { STREAM_ASSIGN(end, end_of_records(*file, static_cast<std::uint64_t>(split.end))); }
    bytes = range_reader(file, offset, end);
  }
  STREAM_ASSIGN(auto decoder, make_decoder_(split.path, *file, offset));
  reader_ = std::make_unique<RecordReader>(std::move(bytes), std::move(decoder));
  return {};
}

Result<bool> BoundedFiles::read(BatchBuilder& batch) {
  while (current_ < splits_.size() && splits_[current_].done) ++current_;
  if (current_ == splits_.size()) return false;
  Position& split = splits_[current_];
  if (reader_ == nullptr) STREAM_TRY(open_split(split));
  auto state = reader_->read(batch, true);
  if (!state.ok()) return std::move(state).status().while_doing("unable to read '" + split.path + "'");
  if (*state == RecordReader::State::kEnd) {
    split.offset = static_cast<std::int64_t>(reader_->position());
    split.done = true;
    reader_.reset();
  }
  return true;
}

const std::vector<Position>& BoundedFiles::positions() {
  if (reader_ != nullptr) splits_[current_].offset = static_cast<std::int64_t>(reader_->position());
  return splits_;
}

}  // namespace stream
