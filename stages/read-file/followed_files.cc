#include "stages/read-file/followed_files.h"

#include <algorithm>

#include "stages/read-file/relocated.h"
#include "stages/read-file/splits.h"

namespace stream {

FollowedFiles::FollowedFiles(InputFiles& files, const Clock& clock, std::string path, MakeDecoder make_decoder,
                             std::function<Status(const Position&)> lost)
    : input_(files),
      clock_(clock),
      path_(std::move(path)),
      make_decoder_(std::move(make_decoder)),
      lost_(std::move(lost)),
      packed_(files) {}

std::int64_t FollowedFiles::next_generation(const std::string& path) { return generations_[path]++; }

Status FollowedFiles::open_reader(File& file) {
  const auto offset = static_cast<std::uint64_t>(file.position.offset);
  STREAM_ASSIGN(auto decoder, make_decoder_(file.position.path, *file.file, offset));
  decoder->skip_records(static_cast<std::uint64_t>(file.position.records));
  file.reader = std::make_unique<RecordReader>(range_reader(file.file, offset, UINT64_MAX), std::move(decoder));
  file.seen = offset;
  return {};
}

Status FollowedFiles::add(const std::string& path, std::shared_ptr<InputFile> input, Position position) {
  auto file = std::make_unique<File>();
  file->file = std::move(input);
  file->position = std::move(position);
  file->position.path = path;
  file->read_at = clock_.monotonic_us();
  STREAM_TRY(take_head(*file->file, file->position));
  STREAM_TRY(open_reader(*file));
  files_.push_back(std::move(file));
  return {};
}

Result<bool> FollowedFiles::restore_from(const std::string& path, const Position& position) {
  auto opened = input_.open(path);
  if (!opened.ok()) {
    if (opened.status().code() == Code::kNotFound) return false;
    return std::move(opened).status();
  }
  std::shared_ptr<InputFile> file = *std::move(opened);
  STREAM_ASSIGN(const FileFacts facts, file->facts());
  const bool taken = std::any_of(files_.begin(), files_.end(), [&](const auto& other) {
    return static_cast<std::uint64_t>(other->position.inode) == facts.inode &&
           static_cast<std::uint64_t>(other->position.device) == facts.device;
  });
  STREAM_ASSIGN(const Compression compression, detect_compression(*file));
  if (!taken && compression != Compression::kNone) return restore_packed(path, std::move(file), position);
  if (taken || facts.size < static_cast<std::uint64_t>(position.offset)) return false;
  STREAM_ASSIGN(const bool same, head_matches(*file, position));
  if (!same) return false;
  STREAM_TRY(add(path, std::move(file), position));
  return true;
}

Result<bool> FollowedFiles::restore_from_any(const std::vector<std::string>& paths, const Position& position) {
  // An empty head says nothing: only the inode can tell such a file, and nothing was read from it.
  for (const std::string& path : paths) {
    if (position.head_size == 0 || path == position.path) continue;
    STREAM_ASSIGN(const bool found, restore_from(path, position));
    if (found) return true;
  }
  return false;
}

Status FollowedFiles::restore_one(const Position& position) {
  generations_[position.path] = std::max(generations_[position.path], position.begin + 1);
  // First where the stage looks now: the file it was may go on elsewhere, as the input of another job.
  STREAM_ASSIGN(const std::vector<std::string> moved, relocated(input_, path_, position.path));
  STREAM_ASSIGN(const bool there, restore_from_any(moved, position));
  if (there) return {};
  STREAM_ASSIGN(const bool in_place, restore_from(position.path, position));
  if (in_place) return {};
  STREAM_ASSIGN(const std::vector<std::string> siblings, input_.expand(folder_of(position.path)));
  STREAM_ASSIGN(const bool renamed, restore_from_any(siblings, position));
  if (renamed) return {};
  return position.offset == 0 ? Status() : lost_(position);
}

Status FollowedFiles::restore(const std::vector<Position>& positions) {
  for (const Position& position : positions) {
    if (!position.done) continue;
    generations_[position.path] = std::max(generations_[position.path], position.begin + 1);
    finished_.push_back(position);
  }
  for (const Position& position : positions) {
    if (!position.done) STREAM_TRY(restore_one(position));
  }
  return {};
}

Status FollowedFiles::add_new(const std::string& path) {
  auto opened = input_.open(path);
  if (!opened.ok()) return {};  // gone again, or not for us to read: looked for again later
  STREAM_ASSIGN(const Compression compression, detect_compression(**opened));
  if (compression != Compression::kNone) {
    STREAM_ASSIGN(const FileFacts facts, (*opened)->facts());
    return see_packed(path, facts);
  }
  Position position;
  position.begin = next_generation(path);
  return add(path, *std::move(opened), std::move(position));
}

Status FollowedFiles::look() {
  STREAM_ASSIGN(const std::vector<std::string> paths, input_.expand(path_));
  for (const auto& file : files_) {
    auto facts = input_.facts(file->position.path);
    file->gone = !facts.ok();
    STREAM_ASSIGN(const FileFacts own, file->file->facts());
    // One that the path does not name any more, renamed or since the path is another, is read to its end like one
    // moved.
    file->moved = facts.ok() && (!facts->same_file(own) || !std::ranges::binary_search(paths, file->position.path));
  }
  for (const std::string& path : paths) {
    auto facts = input_.facts(path);
    if (!facts.ok()) continue;  // gone again
    bool known = false;
    for (const auto& file : files_) {
      STREAM_ASSIGN(const FileFacts own, file->file->facts());
      if (!facts->same_file(own)) continue;
      known = true;
      if (file->position.path != path && (file->gone || file->moved)) {  // renamed within the pattern
        file->position.path = path;
        file->position.begin = next_generation(path);
        file->gone = file->moved = false;
      }
    }
    if (known || packed_.judged(path, *facts)) continue;
    STREAM_TRY(add_new(path));
  }
  forget(paths);
  return {};
}

Status FollowedFiles::start_over(File& file) {
  file.position.offset = 0;
  file.position.records = 0;
  STREAM_TRY(take_head(*file.file, file.position));
  return open_reader(file);
}

Result<FollowView> FollowedFiles::view_of(File& file) {
  STREAM_ASSIGN(const FileFacts facts, file.file->facts());
  FollowView view;
  if (file.packed) {  // there is no more to come, and all of it is to be read
    view.name_gone = view.idle_long = true;
    return view;
  }
  view.grown = facts.size > file.seen;
  view.shrunk = facts.size < file.seen;
  if (view.grown) {
    STREAM_ASSIGN(const bool same, head_matches(*file.file, file.position));
    view.head_changed = !same;
  }
  view.name_gone = file.gone;
  view.name_moved = file.moved;
  view.idle_long = clock_.monotonic_us() - file.read_at >= kLetGoAfter;
  return view;
}

// True if the file gave something, or has to be asked again.
Result<bool> FollowedFiles::read_file(File& file, BatchBuilder& batch, bool& finished) {
  STREAM_ASSIGN(const FollowView view, view_of(file));
  const FollowAction action = decide(view);
  finished = action == FollowAction::kFinish;
  if (action == FollowAction::kWait) return false;
  if (action == FollowAction::kStartOver) STREAM_TRY(start_over(file));
  current_ = split_hash(file.position.path, file.position.begin);
  current_path_ = file.position.path;
  STREAM_ASSIGN(const FileFacts facts, file.file->facts());
  STREAM_ASSIGN(const RecordReader::State state, pace_.read(*file.reader, batch, finished));
  file.begun = true;
  file.read_at = clock_.monotonic_us();
  if (state == RecordReader::State::kDry) file.seen = std::max(file.seen, facts.size);
  finished = finished && state == RecordReader::State::kEnd;
  return true;
}

Result<bool> FollowedFiles::read_at(std::size_t index, BatchBuilder& batch) {
  bool finished = false;
  STREAM_ASSIGN(const bool active, read_file(*files_[index], batch, finished));
  if (finished) {
    STREAM_TRY(finish(*files_[index]));
    files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  return active;
}

Result<bool> FollowedFiles::read(BatchBuilder& batch) {
  // What was rotated away is older than its successor, so it comes first.
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (!files_[i]->gone && !files_[i]->moved) continue;
    STREAM_ASSIGN(const bool active, read_at(i, batch));
    if (active) return true;
  }
  for (std::size_t tried = 0; tried < files_.size(); ++tried) {
    if (turn_ >= files_.size()) turn_ = 0;
    STREAM_ASSIGN(const bool active, read_at(turn_++, batch));
    if (active) return true;
  }
  return look_into_packed();
}

// By more than was there before.
Status FollowedFiles::refresh_head(File& file) {
  if (file.packed || file.position.head_size >= static_cast<std::int64_t>(kHeadSize)) return {};
  // Not while the file may have been written anew: the head must be the one that was read.
  STREAM_ASSIGN(const bool same, head_matches(*file.file, file.position));
  return same ? take_head(*file.file, file.position) : Status();
}

Result<std::vector<Position>> FollowedFiles::positions() {
  std::vector<Position> all = finished_;
  for (const auto& file : files_) {
    take_position(*file->reader, file->position);
    STREAM_TRY(refresh_head(*file));
    all.push_back(file->position);
  }
  return all;
}

std::optional<std::uint64_t> FollowedFiles::pending() {
  std::uint64_t bytes = 0;
  for (const auto& file : files_) {
    if (file->packed) return std::nullopt;
    const auto facts = file->file->facts();
    const std::uint64_t at = file->reader->position();
    if (facts.ok() && facts->size > at) bytes += facts->size - at;
  }
  return bytes == 0 ? 0 : pace_.rows_of(bytes);
}

std::uint32_t FollowedFiles::unread() const {
  std::uint32_t count = 0;
  for (const auto& file : files_) {
    if (file->position.offset != 0 || file->begun) continue;
    const auto facts = file->file->facts();
    if (facts.ok() && facts->size > 0) ++count;
  }
  return count;
}

bool FollowedFiles::open(std::uint64_t split) const {
  return std::ranges::any_of(
      files_, [split](const auto& file) { return split_hash(file->position.path, file->position.begin) == split; });
}

}  // namespace stream
