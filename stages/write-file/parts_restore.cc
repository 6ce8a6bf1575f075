// What Parts does with the files an earlier process has left.
#include <algorithm>
#include <cstdio>

#include "stages/write-file/parts.h"

namespace stream {
namespace {

enum Column : std::size_t { kPart, kLength, kRolled };

Status too_short(const std::string& path, std::uint64_t size, std::uint64_t length) {
  return corrupt("'" + path + "' has " + std::to_string(size) + " bytes where " + std::to_string(length) +
                 " were synced: something else has changed it; bring it back, or start anew with --fresh");
}

}  // namespace

// Parts in the folders that `by` makes, `depth` levels below the path.
Status Parts::scan(const std::string& folder, std::size_t depth, std::vector<FoundPart>& found) {
  auto names = files_.list(at(folder));
  if (!names.ok()) return names.status().code() == Code::kNotFound ? Status() : std::move(names).status();
  for (const std::string& name : *names) {
    if (depth > 0) {
      if (!name.starts_with('.') && name.find('=') != std::string::npos) {
        STREAM_TRY(scan(folder + name + "/", depth - 1, found));
      }
    } else if (auto part = parse_part(folder, name)) {
      found.push_back(*std::move(part));
    }
  }
  return {};
}

// Every instance comes to the same answer, however far the others are: parts of this run do not count.
Status Parts::check_existing(const std::vector<FoundPart>& found) {
  for (const FoundPart& part : found) {
    if (!part.epoch || part.name.run == run_) continue;
    if (settings_.if_exists == IfExists::kFail) {
      return usage_error("'" + settings_.path + "' has parts of an earlier run; give --if-exists append or replace");
    }
    if (settings_.if_exists != IfExists::kReplace) continue;
    STREAM_TRY(files_.remove(at(part.name.published(*part.epoch))));
    if (success_) STREAM_TRY(success_->remove(part.name.folder));
  }
  return {};
}

// Gives a part that was published by an epoch taken back its hidden name again.
Status Parts::unpublish(const std::vector<FoundPart>& found, const PartName& name) {
  for (const FoundPart& part : found) {
    if (!part.epoch || part.name != name) continue;
    STREAM_TRY(files_.rename(at(name.published(*part.epoch)), at(name.hidden())));
    return files_.sync_dir(at(name.folder));
  }
  return corrupt("'" + at(name.hidden()) +
                 "' is gone, and with it committed rows; bring it back, or start anew with --fresh");
}

// Under a name that nobody else writes to. The original stays for a restore from the same checkpoint.
Result<PartName> Parts::copy_aside(const PartName& name, std::uint64_t length, Row row) {
  constexpr std::uint64_t kPiece = 4 << 20;
  const PartName copy = next_name(name.folder);
  for (std::uint64_t done = 0; done < length;) {
    STREAM_ASSIGN(const std::string bytes,
                  files_.read_at(at(name.hidden()), done, std::min<std::uint64_t>(kPiece, length - done)));
    if (bytes.empty()) return too_short(at(name.hidden()), done, length);
    STREAM_TRY(files_.write_at(at(copy.hidden()), done, bytes));
    done += bytes.size();
  }
  table_.erase(row);
  originals_.push_back(name.hidden());
  return copy;
}

// A part that was growing: cut to its length, closed, rolled by the next epoch.
Status Parts::adopt(const std::vector<FoundPart>& found, bool own, Row row) {
  auto part = std::make_unique<Part>();
  part->name = *parse_key(table_.bytes(row, kPart));
  const auto length = static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kLength));
  const std::string path = at(part->name.hidden());
  auto size = files_.size(path);
  if (!size.ok() && size.status().code() == Code::kNotFound) {
    const bool published =
        std::ranges::any_of(found, [&](const FoundPart& other) { return other.epoch && other.name == part->name; });
    // Another run has gone on behind the savepoint and published it: the rows are there.
    if (!own && published) return {};
    STREAM_TRY(unpublish(found, part->name));
    size = files_.size(path);
  }
  if (!size.ok()) return std::move(size).status();
  if (*size < length) return too_short(path, *size, length);
  if (predecessor_may_wake_ && length > 0) {
    STREAM_ASSIGN(part->name, copy_aside(part->name, length, row));  // synced with the next epoch
  } else if (*size > length) {
    STREAM_TRY(files_.truncate(path, length));
    STREAM_TRY(files_.sync_file(path));
  }
  if (!predecessor_may_wake_ || length == 0) part->recorded = length;
  part->size = length;
  closed_.push_back(std::move(part));
  return {};
}

// A run that begins with a savepoint of another may write to a folder of its own: the parts of the other are not lost,
// they are that one's.
bool Parts::elsewhere(const std::vector<FoundPart>& found, const PartName& name) const {
  return std::ranges::none_of(found, [&](const FoundPart& part) { return part.name.run == name.run; });
}

// A part that the restored epoch publishes: hidden and whole, or published before. Whoever wanted it may
// have taken it away since, which looks like a loss.
Status Parts::check_rolled(const PartName& name, Epoch rolled, Row row) {
  const auto length = static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kLength));
  const std::string path = at(name.hidden());
  const auto size = files_.size(path);
  if (size.ok()) return *size < length ? too_short(path, *size, length) : Status();
  if (size.status().code() != Code::kNotFound) return size.status();
  const std::string published = at(name.published(rolled));
  if (files_.size(published).ok()) return {};
  std::fprintf(stderr, "stream-write-file: warning: '%s' is not there: taken away, or lost before it was published\n",
               published.c_str());
  return {};
}

// Hidden parts of dead processes of this run that no checkpoint knows.
Status Parts::remove_leftovers(const std::vector<FoundPart>& found) {
  for (const FoundPart& part : found) {
    if (part.epoch || part.name.run != run_ || !mine(part.name)) continue;
    const std::string key = part.name.key();
    if (!table_.find({std::string_view(key)})) STREAM_TRY(files_.remove(at(part.name.hidden())));
  }
  return {};
}

Status Parts::on_restored(Epoch epoch) {
  std::vector<FoundPart> found;
  STREAM_TRY(scan("", settings_.by.size(), found));
  if (epoch == Epoch(0)) STREAM_TRY(check_existing(found));
  for (const FoundPart& part : found) {
    if (part.name.run == run_ && part.name.instance == instance_) number_ = std::max(number_, part.name.number + 1);
  }
  if (!supervised_) return {};
  if (success_) STREAM_TRY(success_->on_restored());
  STREAM_TRY(remove_leftovers(found));
  std::vector<Row> rows;
  table_.for_each([&](Row row) { rows.push_back(row); });
  bool left = false;
  for (const Row row : rows) {
    const auto name = parse_key(table_.bytes(row, kPart));
    if (!name) return corrupt("state table 'parts': '" + std::string(table_.bytes(row, kPart)) + "' is no part");
    const bool own = name->run == run_;
    if (!own && elsewhere(found, *name)) {
      left = true;
      table_.erase(row);
      continue;
    }
    if (own && name->instance == instance_) number_ = std::max(number_, name->number + 1);
    const auto rolled = static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kRolled));
    if (rolled != 0) {
      STREAM_TRY(check_rolled(*name, Epoch(rolled), row));
      publications_.push_back({*name, Epoch(rolled), true});
    } else {
      STREAM_TRY(adopt(found, own, row));
    }
  }
  if (left) {
    std::fprintf(stderr,
                 "stream-write-file: warning: '%s' is begun: parts that were being written are not here, and stay "
                 "where they are\n",
                 settings_.path.c_str());
  }
  return {};
}

// Takes the markers of later epochs away, before parts that they stand for.
Status Parts::unmark(Epoch epoch, const std::vector<FoundPart>& found) {
  if (!success_) return {};
  std::set<std::string> folders;
  std::set<std::string> begun;
  for (const FoundPart& part : found) {
    if (!part.epoch || part.name.run != run_) continue;
    folders.insert(part.name.folder);
    if (*part.epoch <= epoch) begun.insert(part.name.folder);
  }
  return success_->rewind(folders, begun);
}

// Published parts of later epochs go, except those that were growing at `epoch`: on_restored()
// gives them their hidden names again.
Status Parts::rewind(Epoch epoch) {
  std::vector<FoundPart> found;
  STREAM_TRY(scan("", settings_.by.size(), found));
  STREAM_TRY(unmark(epoch, found));
  std::set<std::string> folders;
  for (const FoundPart& part : found) {
    if (!part.epoch || *part.epoch <= epoch || part.name.run != run_ || !mine(part.name)) continue;
    const std::string key = part.name.key();
    if (table_.find({std::string_view(key)})) continue;
    STREAM_TRY(files_.remove(at(part.name.published(*part.epoch))));
    folders.insert(part.name.folder);
  }
  for (const std::string& folder : folders) STREAM_TRY(files_.sync_dir(at(folder)));
  return {};
}

}  // namespace stream
