#include "stages/read-file/bounded_files.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "stages/read-file/relocated.h"
#include "stages/read-file/splits.h"

namespace stream {

BoundedFiles::BoundedFiles(InputFiles& files, MakeDecoder make_decoder, Format format)
    : input_(files), make_decoder_(std::move(make_decoder)), format_(format) {}

// The bytes of an uncompressed split from `offset` on, which is set to where its first record stands.
Result<std::unique_ptr<ByteReader>> BoundedFiles::open_range(const Position& split, std::shared_ptr<InputFile> file,
                                                             std::uint64_t& offset) {
  std::uint64_t end = UINT64_MAX;
  if (split.begin != 0 || split.end != kToEnd) {
    auto found = end_mark(*file, format_);
    if (!found.ok()) return std::move(found).status().while_doing("unable to read '" + split.path + "'");
    const std::string mark = *std::move(found);
    if (split.begin != 0 && split.offset == split.begin) {
      STREAM_ASSIGN(offset, align_to_record(*file, offset, mark));
    }
    if (split.end != kToEnd) { STREAM_ASSIGN(end, end_of_records(*file, static_cast<std::uint64_t>(split.end), mark)); }
  }
  return range_reader(std::move(file), offset, end);
}

Status BoundedFiles::resume(std::vector<Position> splits, const std::string& path) {
  for (Position& split : splits) {
    STREAM_ASSIGN(const std::vector<std::string> moved, relocated(input_, path, split.path));
    if (moved.empty()) continue;
    auto file = input_.open(moved.front());
    if (!file.ok()) continue;
    STREAM_ASSIGN(const bool same, head_matches(**file, split));
    if (same) split.path = moved.front();
  }
  start(std::move(splits));
  return {};
}

void BoundedFiles::add(std::vector<Position> splits) {
  std::set<std::string> known;
  for (const Position& split : splits_) known.insert(split.path);
  std::erase_if(splits, [&](const Position& split) { return known.contains(split.path); });
  std::ranges::move(splits, std::back_inserter(splits_));
}

void BoundedFiles::forget_all_but(const std::vector<std::string>& paths) {
  const auto over = [&](const Position& split) { return split.done && !std::ranges::binary_search(paths, split.path); };
  const auto begin = splits_.begin(), current = begin + static_cast<std::ptrdiff_t>(current_);
  current_ -= static_cast<std::size_t>(std::count_if(begin, current, over));
  std::erase_if(splits_, over);
}

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
  packed_ |= compression != Compression::kNone;
  if (compression != Compression::kNone) {
    bytes = decompressing_reader(range_reader(file, 0, UINT64_MAX), compression);
    STREAM_TRY(skip_bytes(*bytes, offset));
  } else {
    STREAM_ASSIGN(bytes, open_range(split, file, offset));
  }
  STREAM_ASSIGN(auto decoder, make_decoder_(split.path, *file, offset));
  decoder->skip_records(static_cast<std::uint64_t>(split.records));
  reader_ = std::make_unique<RecordReader>(std::move(bytes), std::move(decoder));
  return {};
}

Result<bool> BoundedFiles::read(BatchBuilder& batch) {
  while (current_ < splits_.size() && splits_[current_].done) ++current_;
  if (current_ == splits_.size()) return false;
  Position& split = splits_[current_];
  if (reader_ == nullptr) STREAM_TRY(open_split(split));
  auto state = pace_.read(*reader_, batch, true);
  if (!state.ok()) return std::move(state).status().while_doing("unable to read '" + split.path + "'");
  if (*state == RecordReader::State::kEnd) {
    take_position(*reader_, split);
    split.done = true;
    reader_.reset();
  }
  return true;
}

std::int64_t BoundedFiles::size_of(const std::string& path) {
  const auto [at, looked] = sizes_.try_emplace(path, 0);
  if (!looked) return at->second;
  const auto facts = input_.facts(path);
  if (facts.ok()) at->second = static_cast<std::int64_t>(facts->size);
  return at->second;
}

std::optional<std::uint64_t> BoundedFiles::pending() {
  if (packed_) return std::nullopt;
  std::int64_t bytes = 0;
  for (const Position& split : positions()) {
    if (split.done) continue;
    const std::int64_t end = std::min(split.end, size_of(split.path));  // the last split may reach beyond
    bytes += std::max<std::int64_t>(0, end - split.offset);
  }
  return pace_.rows_of(static_cast<std::uint64_t>(bytes));
}

const std::vector<Position>& BoundedFiles::positions() {
  if (reader_ != nullptr) take_position(*reader_, splits_[current_]);
  return splits_;
}

}  // namespace stream
