// What FollowedFiles does with compressed files: each is read once, whole, when it is complete.
//
// One may be what has become of a file that was read: it is known by the beginning of what it holds, and by how much
// that is. A position in it is one in what it holds.
#include <algorithm>
#include <set>

#include "stages/read-file/followed_files.h"
#include "stages/read-file/sample.h"
#include "stages/read-file/splits.h"

namespace stream {
namespace {

constexpr std::size_t kRememberedMax = 1000;  // files that are gone

bool begins_like(std::string_view head, const Position& position) {
  const auto size = static_cast<std::size_t>(position.head_size);
  return size != 0 && size <= head.size() &&
         static_cast<std::int64_t>(hash_bytes(head.substr(0, size))) == position.head_hash;
}

bool same_inode(const FileFacts& facts, const Position& position) {
  return static_cast<std::int64_t>(facts.device) == position.device &&
         static_cast<std::int64_t>(facts.inode) == position.inode;
}

}  // namespace

Status FollowedFiles::see_packed(const std::string& path, const FileFacts& facts) {
  auto opened = input_.open(path);
  if (!opened.ok()) return {};
  STREAM_ASSIGN(const bool known, read_before(path, **opened, facts));
  if (known)
    packed_.judge(path, facts);
  else
    packed_.see(path, facts, clock_.monotonic_us());
  return {};
}

// Whether it is a compressed file that was read, perhaps under another name, without looking at all of it.
Result<bool> FollowedFiles::read_before(const std::string& path, InputFile& file, const FileFacts& facts) {
  for (Position& position : finished_) {
    if (position.path != path && !same_inode(facts, position)) continue;
    const auto head = read_beginning(file, kHeadSize);
    if (!head.ok() || !begins_like(*head, position)) continue;
    if (position.path != path) {
      position.begin = next_generation(path);
      position.path = path;
    }
    return true;
  }
  return false;
}

Result<bool> FollowedFiles::holds_what_was_read(const PackedContent& content) {
  for (const Position& position : finished_) {
    if (begins_like(content.head, position) && static_cast<std::uint64_t>(position.offset) == content.length) {
      return true;
    }
  }
  for (const auto& file : files_) {
    STREAM_ASSIGN(const FileFacts facts, file->file->facts());
    STREAM_TRY(refresh_head(*file));
    if (!file->packed && begins_like(content.head, file->position) && facts.size == content.length) return true;
  }
  return false;
}

Status FollowedFiles::open_packed(File& file) {
  const auto offset = static_cast<std::uint64_t>(file.position.offset);
  STREAM_ASSIGN(const Compression compression, detect_compression(*file.file));
  auto bytes = decompressing_reader(range_reader(file.file, 0, UINT64_MAX), compression);
  STREAM_TRY(skip_bytes(*bytes, offset));
  STREAM_ASSIGN(auto decoder, make_decoder_(file.position.path, *file.file, offset));
  decoder->skip_records(static_cast<std::uint64_t>(file.position.records));
  file.reader = std::make_unique<RecordReader>(std::move(bytes), std::move(decoder));
  file.packed = true;
  return {};
}

Result<bool> FollowedFiles::add_packed(PackedFiles::Ready ready) {
  STREAM_ASSIGN(const FileFacts facts, ready.file->facts());
  auto file = std::make_unique<File>();
  file->file = std::move(ready.file);
  file->read_at = clock_.monotonic_us();
  Position& position = file->position;
  position.path = ready.path;
  position.begin = next_generation(ready.path);
  position.head_size = static_cast<std::int64_t>(ready.content.head.size());
  position.head_hash = static_cast<std::int64_t>(hash_bytes(ready.content.head));
  position.device = static_cast<std::int64_t>(facts.device);
  position.inode = static_cast<std::int64_t>(facts.inode);
  STREAM_ASSIGN(const bool known, holds_what_was_read(ready.content));
  if (known) {
    position.offset = static_cast<std::int64_t>(ready.content.length);
    STREAM_TRY(finish(*file));
    return true;
  }
  STREAM_TRY(open_packed(*file));
  files_.push_back(std::move(file));
  return true;
}

// Goes on with the files of which it is not known whether they are whole. True: call again soon.
Result<bool> FollowedFiles::look_into_packed() {
  bool progress = false;
  STREAM_ASSIGN(std::optional<PackedFiles::Ready> ready, packed_.step(clock_.monotonic_us(), progress));
  if (ready) return add_packed(*std::move(ready));
  return progress;
}

// A file that was being read when a snapshot was taken: compressed then already, or since.
Result<bool> FollowedFiles::restore_packed(const std::string& path, std::shared_ptr<InputFile> input,
                                           const Position& position) {
  const auto head = read_beginning(*input, kHeadSize);
  if (!head.ok() || !begins_like(*head, position)) return false;
  STREAM_ASSIGN(const FileFacts facts, input->facts());
  auto file = std::make_unique<File>();
  file->file = std::move(input);
  file->position = position;
  file->position.path = path;
  if (path != position.path) file->position.begin = next_generation(path);
  file->position.device = static_cast<std::int64_t>(facts.device);
  file->position.inode = static_cast<std::int64_t>(facts.inode);
  file->read_at = clock_.monotonic_us();
  if (Status status = open_packed(*file); !status.ok()) {
    if (status.code() == Code::kBadRecord) return false;  // it holds less than was read
    return status;
  }
  packed_.judge(path, facts);
  files_.push_back(std::move(file));
  return true;
}

Status FollowedFiles::finish(File& file) {
  if (file.reader != nullptr) take_position(*file.reader, file.position);
  STREAM_TRY(refresh_head(file));
  file.position.done = true;
  finished_.push_back(file.position);
  return {};
}

// Of files that are gone only the newest are remembered.
void FollowedFiles::forget(const std::vector<std::string>& paths) {
  const std::set<std::string> there(paths.begin(), paths.end());
  const auto gone = [&](const Position& position) { return !there.contains(position.path); };
  auto count = static_cast<std::size_t>(std::ranges::count_if(finished_, gone));
  std::erase_if(finished_, [&](const Position& position) {
    if (count <= kRememberedMax || !gone(position)) return false;
    --count;
    return true;
  });
}

}  // namespace stream
