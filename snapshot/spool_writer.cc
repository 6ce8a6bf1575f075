#include "snapshot/spool_writer.h"

#include <algorithm>

namespace stream {

Status SpoolWriter::tell(SpoolState state) {
  return files_.write_at(path(spool_length_name(input_)), 0, spool_length_text({length_, state}));
}

Status SpoolWriter::begin(std::uint64_t at_least) {
  STREAM_TRY(files_.make_dir(folder_));
  STREAM_TRY(files_.sync_dir(folder_.substr(0, folder_.rfind('/'))));
  STREAM_ASSIGN(const auto spool, list_spool(files_, folder_));
  input_ = std::max(at_least, spool.empty() ? 1 : spool.back().input + 1);
  STREAM_TRY(tell(SpoolState::kOpen));
  return files_.sync_dir(folder_);
}

Status SpoolWriter::append(std::string_view bytes) {
  if (bytes.empty()) return {};
  const std::uint64_t limit = segment_ == 0 ? sizes_.first : sizes_.segment;
  const bool full = length_ - segment_ >= limit;
  const std::uint64_t segment = full ? length_ : segment_;
  const std::string file = path(spool_segment_name({input_, segment}));
  STREAM_TRY(files_.write_at(file, length_ - segment, bytes));
  STREAM_TRY(files_.sync_file(file));
  if (length_ == segment) STREAM_TRY(files_.sync_dir(folder_));  // its name is new
  segment_ = segment;
  length_ += bytes.size();
  Status told = tell(SpoolState::kOpen);
  if (!told.ok()) length_ -= bytes.size();
  return told;
}

Status SpoolWriter::end() {
  STREAM_TRY(tell(SpoolState::kEnded));
  return files_.sync_file(path(spool_length_name(input_)));
}

}  // namespace stream
