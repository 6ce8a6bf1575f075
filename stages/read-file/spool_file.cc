#include "stages/read-file/spool_file.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace stream {

Result<std::unique_ptr<SpoolFile>> SpoolFile::open(InputFiles& files, const std::string& folder, std::uint64_t input) {
  std::unique_ptr<SpoolFile> file(new SpoolFile(files, folder, input));
  STREAM_ASSIGN(file->length_file_, files.open(folder + "/" + spool_length_name(input)));
  STREAM_TRY(file->refresh());
  return file;
}

Status SpoolFile::refresh() {
  std::array<char, 64> text;
  STREAM_ASSIGN(const std::size_t count, length_file_->read_at(0, text.data(), text.size()));
  const auto length = parse_spool_length({text.data(), count});
  if (length.ok()) length_ = *length;
  return {};
}

Status SpoolFile::list() {
  STREAM_ASSIGN(const auto paths, files_.expand(folder_));
  std::vector<std::string> names;
  for (const std::string& path : paths) names.push_back(std::filesystem::path(path).filename().native());
  for (SpooledFiles& spooled : spooled_files(names)) {
    if (spooled.input == input_) segments_ = std::move(spooled.segments);
  }
  return {};
}

Result<std::uint64_t> SpoolFile::segment_of(std::uint64_t offset) {
  // The last one listed may have a successor by now.
  if (segments_.empty() || offset >= segments_.back()) STREAM_TRY(list());
  const auto behind = std::ranges::upper_bound(segments_, offset);
  if (behind != segments_.begin()) return *(behind - 1);
  return failed("byte " + std::to_string(offset) + " of the spooled input is gone");
}

Status SpoolFile::open_segment(std::uint64_t begin) {
  if (segment_ != nullptr && segment_begin_ == begin) return {};
  segment_.reset();
  STREAM_ASSIGN(segment_, files_.open(folder_ + "/" + spool_segment_name({input_, begin})));
  segment_begin_ = begin;
  return {};
}

Result<std::size_t> SpoolFile::read_at(std::uint64_t offset, char* to, std::size_t size) {
  if (offset >= length_.bytes) return std::size_t{0};
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, length_.bytes - offset));
  if (segment_ != nullptr && offset >= segment_begin_) {
    STREAM_ASSIGN(const std::size_t count, segment_->read_at(offset - segment_begin_, to, size));
    if (count > 0) return count;
  }
  STREAM_ASSIGN(const std::uint64_t begin, segment_of(offset));
  STREAM_TRY(open_segment(begin));
  STREAM_ASSIGN(const std::size_t count, segment_->read_at(offset - begin, to, size));
  if (count > 0) return count;
  return failed("byte " + std::to_string(offset) + " of the spooled input is gone");
}

}  // namespace stream
