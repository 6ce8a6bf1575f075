#include "stages/read-file/splits.h"

#include <algorithm>
#include <array>
#include <cstring>

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

Result<std::uint64_t> align_to_record(InputFile& file, std::uint64_t offset) {
  if (offset == 0) return std::uint64_t{0};
  std::array<char, 16384> chunk;
  for (std::uint64_t at = offset - 1;;) {
    STREAM_ASSIGN(const std::size_t count, file.read_at(at, chunk.data(), chunk.size()));
    if (count == 0) return std::max(at, offset);
    if (const void* newline = std::memchr(chunk.data(), '\n', count); newline != nullptr) {
      return at + static_cast<std::uint64_t>(static_cast<const char*>(newline) - chunk.data()) + 1;
    }
    at += count;
  }
}

Result<std::uint64_t> end_of_records(InputFile& file, std::uint64_t end) {
  STREAM_ASSIGN(const FileFacts facts, file.facts());
  return facts.size <= end ? facts.size : align_to_record(file, end);
}

}  // namespace stream
