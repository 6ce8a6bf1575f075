#include "stages/read-file/splits.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "stages/format/avro_header.h"
#include "stages/read-file/sample.h"

namespace stream {
namespace {

bool splittable(Format format) { return format != Format::kCsv; }  // quotes may hold newlines

class RangeReader final : public ByteReader {
 public:
  RangeReader(std::shared_ptr<InputFile> file, std::uint64_t offset, std::uint64_t end)
      : file_(std::move(file)), offset_(offset), end_(end) {}

  Result<std::size_t> read(char* to, std::size_t size) override {
    const std::uint64_t left = end_ > offset_ ? end_ - offset_ : 0;
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left));
    if (size == 0) return std::size_t{0};
    STREAM_ASSIGN(const std::size_t count, file_->read_at(offset_, to, size));
    offset_ += count;
    return count;
  }

 private:
  std::shared_ptr<InputFile> file_;
  std::uint64_t offset_;
  std::uint64_t end_;
};

void cut(const Position& whole, std::uint64_t size, std::uint64_t split_size, std::vector<Position>& out) {
  for (std::uint64_t begin = 0;; begin += split_size) {
    Position split = whole;
    split.begin = split.offset = static_cast<std::int64_t>(begin);
    split.end = static_cast<std::int64_t>(begin + split_size);
    out.push_back(std::move(split));
    if (size - begin <= split_size) return;
  }
}

}  // namespace

Result<Compression> detect_compression(InputFile& file) {
  char head[4];
  STREAM_ASSIGN(const std::size_t count, file.read_at(0, head, sizeof head));
  return compression_of({head, count});
}

std::unique_ptr<ByteReader> range_reader(std::shared_ptr<InputFile> file, std::uint64_t offset, std::uint64_t end) {
  return std::make_unique<RangeReader>(std::move(file), offset, end);
}

Status take_head(InputFile& file, Position& position) {
  STREAM_ASSIGN(const FileFacts facts, file.facts());
  const std::uint64_t size = std::min(facts.size, kHeadSize);
  STREAM_ASSIGN(const std::uint64_t hash, hash_head(file, size));
  position.head_size = static_cast<std::int64_t>(size);
  position.head_hash = static_cast<std::int64_t>(hash);
  position.device = static_cast<std::int64_t>(facts.device);
  position.inode = static_cast<std::int64_t>(facts.inode);
  return {};
}

Result<bool> head_matches(InputFile& file, const Position& position) {
  auto hash = hash_head(file, static_cast<std::uint64_t>(position.head_size));
  if (!hash.ok() && hash.status().code() == Code::kNotFound) return false;
  if (!hash.ok()) return std::move(hash).status();
  return static_cast<std::int64_t>(*hash) == position.head_hash;
}

Result<std::vector<Position>> enumerate_splits(InputFiles& files, const std::string& path, Format format,
                                               std::uint64_t split_size) {
  STREAM_ASSIGN(const std::vector<std::string> paths, files.expand(path));
  if (paths.empty()) return no_file(files, path);
  return cut_into_splits(files, paths, format, split_size);
}

Result<std::vector<Position>> cut_into_splits(InputFiles& files, const std::vector<std::string>& paths, Format format,
                                              std::uint64_t split_size) {
  std::vector<Position> splits;
  for (const std::string& each : paths) {
    STREAM_ASSIGN(const auto file, files.open(each));
    Position whole;
    whole.path = each;
    STREAM_TRY(take_head(*file, whole));
    STREAM_ASSIGN(const FileFacts facts, file->facts());
    STREAM_ASSIGN(const Compression compression, detect_compression(*file));
    if (split_size == 0 || compression != Compression::kNone || !splittable(format)) {
      splits.push_back(std::move(whole));
    } else {
      cut(whole, facts.size, split_size, splits);
    }
  }
  return splits;
}

Result<std::string> end_mark(InputFile& file, Format format) {
  if (format != Format::kAvro) return std::string("\n");
  STREAM_ASSIGN(const std::string head, read_beginning(file, kFileHeaderMax));
  format::AvroHeader header;
  STREAM_ASSIGN(const bool whole, format::read_avro_header(head, header));
  // Where no block can stand yet, none is cut off.
  return whole ? header.marker : std::string(format::kAvroMarkerSize, '\0');
}

Result<std::uint64_t> align_to_record(InputFile& file, std::uint64_t offset, std::string_view mark) {
  if (offset == 0) return std::uint64_t{0};
  std::array<char, 16384> chunk;
  std::uint64_t at = offset - std::min<std::uint64_t>(offset, mark.size());
  for (std::size_t held = 0;;) {
    STREAM_ASSIGN(const std::size_t count, file.read_at(at + held, chunk.data() + held, chunk.size() - held));
    const std::string_view seen(chunk.data(), held + count);
    if (const std::size_t found = seen.find(mark); found != std::string_view::npos) return at + found + mark.size();
    if (count == 0) return std::max(at + seen.size(), offset);
    held = std::min(seen.size(), mark.size() - 1);  // of a mark that goes on in the next chunk
    at += seen.size() - held;
    std::memmove(chunk.data(), seen.data() + seen.size() - held, held);
  }
}

Result<std::uint64_t> end_of_records(InputFile& file, std::uint64_t end, std::string_view mark) {
  STREAM_ASSIGN(const FileFacts facts, file.facts());
  return facts.size <= end ? facts.size : align_to_record(file, end, mark);
}

}  // namespace stream
