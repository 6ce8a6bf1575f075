#include "supervisor/ha/file_coordination.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

namespace stream::ha {
namespace {

constexpr std::uint64_t kVersionsKept = 64;
constexpr int kTries = 20;  // to read what others replace meanwhile
constexpr std::string_view kGone = "gone";

std::string_view name_of(Register which) { return which == Register::kTerm ? "term." : "job."; }

// The number behind `prefix`, as far as it goes.
std::optional<std::uint64_t> number_behind(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return error == std::errc() && end != name.data() + prefix.size() ? std::optional(number) : std::nullopt;
}

// A folder that is not there any more was unmounted: it is out of reach.
Status reached(Status status) {
  return status.code() == Code::kNotFound ? Status(Code::kSystem, status.what()) : std::move(status);
}
template <class T>
Result<T> reached(Result<T> result) {
  if (result.status().code() != Code::kNotFound) return result;
  return reached(result.status());
}

}  // namespace

Result<Entry> FileCoordination::read(Register which) { return reached(read_now(which)); }
Result<std::optional<std::uint64_t>> FileCoordination::write(Register which, std::uint64_t expected,
                                                             const std::string& text) {
  return reached(write_now(which, expected, text));
}
Status FileCoordination::beat(std::uint64_t term) { return reached(beat_now(term)); }

Result<std::unique_ptr<FileCoordination>> FileCoordination::open(Files& files, const std::string& folder,
                                                                 const std::string& job, const std::string& id) {
  if (!std::filesystem::is_directory(folder)) {
    return failed("unable to coordinate supervisors in '" + folder +
                  "': there is no such folder; make it, or mount what has it");
  }
  const std::string own = folder + "/" + job;
  STREAM_TRY(files.make_dir(own));
  STREAM_TRY(files.sync_dir(folder));
  return std::unique_ptr<FileCoordination>(new FileCoordination(files, own, id));
}

std::string FileCoordination::slot(Register which, std::uint64_t version) const {
  return folder_ + "/" + std::string(name_of(which)) + std::to_string(version);
}

Result<std::uint64_t> FileCoordination::newest(Register which) {
  STREAM_ASSIGN(const auto names, files_.list(folder_));
  std::uint64_t newest = 0;
  for (const std::string& name : names) newest = std::max(newest, number_behind(name_of(which), name).value_or(0));
  return newest;
}

Result<Entry> FileCoordination::read_now(Register which) {
  for (int i = 0; i < kTries; ++i) {
    STREAM_ASSIGN(const std::uint64_t version, newest(which));
    if (version == 0) return Entry();
    auto text = files_.read_file(slot(which, version));
    if (text.ok() && text->empty()) return Status(Code::kSystem, "'" + slot(which, version) + "' is empty");
    if (text.ok()) return Entry{version, *std::move(text)};
    if (text.status().code() != Code::kNotFound) return std::move(text).status();
  }
  return Status(Code::kSystem, "unable to read '" + folder_ + "': others replace what is in it all the time");
}

Result<std::optional<std::uint64_t>> FileCoordination::write_now(Register which, std::uint64_t expected,
                                                                 const std::string& text) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t version = expected + 1;
  STREAM_ASSIGN(const std::uint64_t before, newest(which));
  if (before > expected) return std::optional<std::uint64_t>();
  const std::string whole = folder_ + "/." + std::string(name_of(which)) + std::to_string(version) + "." + id_ + "." +
                            std::to_string(++files_made_);
  STREAM_TRY(files_.write_file(whole, text));
  STREAM_TRY(files_.sync_file(whole));
  STREAM_ASSIGN(const bool made, files_.link_unless_taken(whole, slot(which, version)));
  STREAM_TRY(files_.remove(whole));
  if (!made) return std::optional<std::uint64_t>();
  STREAM_TRY(files_.sync_dir(folder_));
  STREAM_TRY(check_awake(which, version));
  (void)tidy(which, version);  // what is left is tidied with the next
  return std::optional(version);
}

Status FileCoordination::check_awake(Register which, std::uint64_t version) {
  STREAM_ASSIGN(const std::uint64_t now, newest(which));
  if (now < version + kVersionsKept) return {};
  STREAM_TRY(files_.remove(slot(which, version)));
  return Status(Code::kSystem, "unable to tell whether '" + slot(which, version) + "' was written: others wrote " +
                                   std::to_string(now - version) +
                                   " times while this process stood still; what is there now decides");
}

// Versions that nobody reads any more, and what writers that died have left of them.
Status FileCoordination::tidy(Register which, std::uint64_t version) {
  STREAM_ASSIGN(const auto names, files_.list(folder_));
  const std::string hidden = "." + std::string(name_of(which));
  std::vector<std::pair<std::uint64_t, std::string>> old;
  for (const std::string& name : names) {
    const auto number = name.starts_with('.') ? number_behind(hidden, name) : number_behind(name_of(which), name);
    if (number && *number + kVersionsKept <= version) old.emplace_back(*number, name);
  }
  std::ranges::sort(old);
  for (const auto& [number, name] : old) STREAM_TRY(files_.remove(folder_ + "/" + name));
  return {};
}

Status FileCoordination::put_beat(std::uint64_t term, const std::string& text) {
  const std::string path = folder_ + "/beat." + std::to_string(term);
  const std::string whole = folder_ + "/.beat." + std::to_string(term) + "." + id_;
  STREAM_TRY(files_.write_file(whole, text));
  return files_.rename(whole, path);
}

Status FileCoordination::beat_now(std::uint64_t term) {
  const std::lock_guard lock(mutex_);
  if (beats_++ == 0) {  // those of earlier leaders
    STREAM_ASSIGN(const auto names, files_.list(folder_));
    for (const std::string& name : names) {
      if (number_behind("beat.", name).value_or(term) < term) STREAM_TRY(files_.remove(folder_ + "/" + name));
    }
  }
  return put_beat(term, std::to_string(beats_));
}

Result<Pulse> FileCoordination::pulse(std::uint64_t term, const std::string&) {
  const auto text = files_.read_file(folder_ + "/beat." + std::to_string(term));
  if (!text.ok() && text.status().code() == Code::kNotFound) return Pulse();  // it has only begun
  STREAM_TRY(text.status());
  Pulse pulse;
  pulse.gone = *text == kGone;
  pulse.beats = number_behind("", *text).value_or(0);
  return pulse;
}

Status FileCoordination::leave(std::uint64_t term) {
  const std::lock_guard lock(mutex_);
  return put_beat(term, std::string(kGone));
}

}  // namespace stream::ha
