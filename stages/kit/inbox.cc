#include "stages/kit/inbox.h"

#include <algorithm>
#include <cstring>

namespace stream {
namespace {

constexpr std::size_t kFrameBytes = sizeof(std::uint32_t);
constexpr std::size_t kReadBytes = 256 * 1024;

std::uint32_t length_of(std::string_view frame) {
  std::uint32_t length = 0;
  std::memcpy(&length, frame.data(), kFrameBytes);
  return length;
}

// The whole records at the beginning, about so many bytes of them but at least one; 0 if not even that is there.
std::size_t whole_records(std::string_view bytes, std::size_t bytes_max) {
  std::size_t end = 0;
  while (bytes.size() - end >= kFrameBytes) {
    const std::size_t size = kFrameBytes + length_of(bytes.substr(end));
    if (bytes.size() - end < size || (end != 0 && end + size > bytes_max)) break;
    end += size;
  }
  return end;
}

// The last segment may have a successor by now: it is known only if another one begins behind the position.
bool segment_known(const std::vector<std::uint64_t>& segments, std::uint64_t position) {
  return position < segments.back();
}

}  // namespace

Inbox::Inbox(Files& files, std::string folder, const Clock& clock, Say say)
    : files_(files), folder_(std::move(folder)), clock_(clock), say_(std::move(say)), writer_(files, folder_, {}) {}

Status Inbox::start(SpoolPosition from) {
  if (folder_.empty()) return {};
  STREAM_TRY(files_.make_dir(folder_));
  STREAM_TRY(cut_spool(files_, folder_));
  STREAM_TRY(writer_.begin(static_cast<std::uint64_t>(clock_.wall_us())));
  durable_to_ = writer_.position();
  STREAM_ASSIGN(const std::vector<SpooledFiles> spooled, list_spool(files_, folder_));
  for (const SpooledFiles& input : spooled) {
    if (input.input >= from.input && input.input < durable_to_.input) left_.push_back(input.input);
  }
  left_.push_back(durable_to_.input);
  at_ = left_.front() == from.input ? from : SpoolPosition{left_.front(), 0};
  return {};
}

bool Inbox::full() const {
  if (folder_.empty()) return !memory_.empty();
  const std::uint64_t read = at_.input == durable_to_.input ? at_.offset : 0;
  return gathered_.size() >= kGatheredMax || durable_to_.offset - read >= kAheadMax;
}

std::uint64_t Inbox::put(std::string_view record) {
  STREAM_CHECK(record.size() <= kRecordMax);
  ++put_;
  if (folder_.empty()) {
    memory_.emplace_back(record);
    durable_ = put_;
    return put_;
  }
  const auto length = static_cast<std::uint32_t>(record.size());
  char frame[kFrameBytes];
  std::memcpy(frame, &length, kFrameBytes);
  gathered_.append(frame, kFrameBytes).append(record);
  return put_;
}

// --- writing
Status Inbox::serve() {
  if (folder_.empty()) return {};
  STREAM_TRY(worker_.deliver());
  if (worker_.pending() > 0 || (failing_ && clock_.monotonic_us() < retry_at_)) return {};
  if (writing_.empty()) {
    std::swap(writing_, gathered_);
    writing_to_ = put_;
  }
  if (!writing_.empty()) submit();
  return {};
}

void Inbox::submit() {
  worker_.submit([this] { return writer_.append(writing_); }, [this](const Status& status) { return written(status); });
}

// A full disk may have room again: what was taken in is kept, and nobody has been told that it came.
Status Inbox::written(const Status& status) {
  if (status.code() == Code::kNotFound) return status;  // the folder is gone: somebody has removed the job
  if (!status.ok()) {
    retry_at_ = clock_.monotonic_us() + kRetryAfter;
    if (!std::exchange(failing_, true))
      say_("nothing more is taken in: " + status.what() + "; it is tried again every second");
    return {};
  }
  if (std::exchange(failing_, false)) say_("what came is written again");
  writing_.clear();
  durable_ = writing_to_;
  durable_to_ = writer_.position();
  return {};
}

// --- reading
Result<bool> Inbox::read_memory(std::size_t bytes_max, const Visit& visit) {
  if (memory_.empty()) return false;
  for (std::size_t bytes = 0; bytes < bytes_max && !memory_.empty(); memory_.pop_front()) {
    bytes += memory_.front().size();
    STREAM_TRY(visit(memory_.front()));
  }
  return true;
}

void Inbox::next_input() {
  left_.pop_front();
  segments_.clear();
  at_ = {left_.front(), 0};
}

// Of the input at_ is in: how many bytes of it are durable.
Result<std::uint64_t> Inbox::end_of_input() {
  if (at_.input == durable_to_.input) return durable_to_.offset;
  STREAM_ASSIGN(const SpoolLength length, read_spool_length(files_, folder_, at_.input));
  return length.bytes;
}

// Reads on behind what is ahead already. False: there is nothing more for now.
Result<bool> Inbox::fill() {
  ahead_.erase(0, std::exchange(consumed_, 0));
  const std::uint64_t from = at_.offset + ahead_.size();
  STREAM_ASSIGN(const std::uint64_t end, end_of_input());
  if (from > end) return corrupt("what '" + folder_ + "' held is gone");
  if (from == end) {
    if (left_.size() == 1) return false;
    // Its writer has died over a record, or had no room for it: nobody was told that it came.
    ahead_.clear();
    next_input();
    return fill();
  }
  if (segments_.empty() || !segment_known(segments_, from)) {
    STREAM_ASSIGN(const std::vector<SpooledFiles> spooled, list_spool(files_, folder_));
    for (const SpooledFiles& input : spooled) {
      if (input.input == at_.input) segments_ = input.segments;
    }
  }
  const auto behind = std::ranges::upper_bound(segments_, from);
  if (behind == segments_.begin()) return corrupt("what '" + folder_ + "' holds from here on is gone");
  const std::uint64_t segment = *std::prev(behind);
  const std::uint64_t size = std::min<std::uint64_t>(kReadBytes, end - from);
  STREAM_ASSIGN(const std::string bytes,
                files_.read_at(folder_ + "/" + spool_segment_name({at_.input, segment}), from - segment, size));
  if (bytes.empty()) return corrupt("what '" + folder_ + "' holds from here on is gone");
  ahead_ += bytes;
  return true;
}

Result<bool> Inbox::read(std::size_t bytes_max, const Visit& visit) {
  if (folder_.empty()) return read_memory(bytes_max, visit);
  std::size_t whole = 0;
  while ((whole = whole_records(std::string_view(ahead_).substr(consumed_), bytes_max)) == 0) {
    STREAM_ASSIGN(const bool more, fill());
    if (!more) return false;
  }
  for (const std::size_t until = consumed_ + whole; consumed_ < until;) {
    const std::string_view frame = std::string_view(ahead_).substr(consumed_);
    const std::size_t size = kFrameBytes + length_of(frame);
    STREAM_TRY(visit(frame.substr(kFrameBytes, size - kFrameBytes)));
    consumed_ += size;
    at_.offset += size;
  }
  return true;
}

}  // namespace stream
