#include "stages/read-file/packed_files.h"

#include <array>
#include <cstdio>

#include "stages/read-file/splits.h"

namespace stream {
namespace {

constexpr std::size_t kPiece = 64 << 10;
constexpr std::size_t kStep = 4 << 20;  // a few milliseconds
constexpr Microseconds kQuietFor = 200'000;

// Tells that the compressed bytes have been read to their end.
class EndNoting final : public ByteReader {
 public:
  EndNoting(std::unique_ptr<ByteReader> inner, bool& at_end) : inner_(std::move(inner)), at_end_(at_end) {}

  Result<std::size_t> read(char* to, std::size_t size) override {
    STREAM_ASSIGN(const std::size_t count, inner_->read(to, size));
    at_end_ = at_end_ || count == 0;
    return count;
  }

 private:
  std::unique_ptr<ByteReader> inner_;
  bool& at_end_;
};

bool same(const FileFacts& a, const FileFacts& b) { return a.same_file(b) && a.size == b.size; }

}  // namespace

PackedScan::PackedScan(std::shared_ptr<InputFile> file, Compression compression) {
  auto raw = range_reader(std::move(file), 0, UINT64_MAX);
  bytes_ = decompressing_reader(std::make_unique<EndNoting>(std::move(raw), at_end_), compression);
}

Result<PackedScan::State> PackedScan::step(std::size_t size) {
  std::array<char, kPiece> piece;
  for (std::size_t done = 0; done < size;) {
    auto count = bytes_->read(piece.data(), piece.size());
    if (!count.ok()) {
      reason_ = count.status().what();
      if (count.status().code() != Code::kBadRecord) return std::move(count).status();
      return at_end_ ? State::kCut : State::kBroken;
    }
    if (*count == 0) return State::kComplete;
    content_.head.append(piece.data(), std::min<std::size_t>(*count, kHeadSize - content_.head.size()));
    content_.length += *count;
    done += *count;
  }
  return State::kMore;
}

bool PackedFiles::judged(const std::string& path, const FileFacts& facts) const {
  const auto found = judged_.find(path);
  return found != judged_.end() && same(found->second, facts);
}

void PackedFiles::judge(const std::string& path, const FileFacts& facts) {
  judged_[path] = facts;
  waiting_.erase(path);
}

void PackedFiles::see(const std::string& path, const FileFacts& facts, Microseconds now) {
  Waiting& waiting = waiting_[path];
  if (waiting.since != 0 && same(waiting.facts, facts)) return;
  waiting = {facts, now, nullptr, nullptr};
}

Result<std::optional<PackedFiles::Ready>> PackedFiles::scan(const std::string& path, Waiting& waiting, bool& over) {
  over = true;
  if (waiting.scan == nullptr) {
    auto opened = input_.open(path);
    if (!opened.ok()) return std::optional<Ready>();  // gone again
    waiting.file = *std::move(opened);
    STREAM_ASSIGN(const Compression compression, detect_compression(*waiting.file));
    waiting.scan = std::make_unique<PackedScan>(waiting.file, compression);
  }
  STREAM_ASSIGN(const PackedScan::State state, waiting.scan->step(kStep));
  over = state != PackedScan::State::kMore;
  if (state == PackedScan::State::kBroken) {
    std::fprintf(stderr, "stream-read-file: warning: '%s' is not read: %s\n", path.c_str(),
                 waiting.scan->reason().c_str());
  }
  if (state != PackedScan::State::kComplete) return std::optional<Ready>();
  return std::optional(Ready{path, waiting.file, waiting.scan->content()});
}

Result<std::optional<PackedFiles::Ready>> PackedFiles::step(Microseconds now, bool& progress) {
  progress = false;
  for (auto& [path, waiting] : waiting_) {
    if (now - waiting.since < kQuietFor) continue;
    progress = true;
    bool over = false;
    STREAM_ASSIGN(std::optional<Ready> ready, scan(path, waiting, over));
    if (over) judge(std::string(path), FileFacts(waiting.facts));
    return ready;
  }
  return std::optional<Ready>();
}

}  // namespace stream
