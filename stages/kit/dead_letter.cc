#include "stages/kit/dead_letter.h"

#include <algorithm>
#include <cstdio>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kSpillAt = 1 << 20;
constexpr std::size_t kHeldMax = 64 << 20;  // while the disk takes nothing
constexpr std::size_t kRunDigits = 8;
constexpr std::string_view kDone = ".ndjson";
constexpr std::string_view kPending = ".pending";
constexpr std::string_view kGrowing = ".growing";

// A row is a line, or says how many bytes of lines are in the pending file.
TableSpec spec() { return outbox_spec("kit_dead_letter", {{"line", kVarchar}, {"spilled", kBigint}}); }

SchemaPtr lines_schema() {
  static const auto schema = std::make_shared<const Schema>(*parse_schema("line varchar, spilled bigint"));
  return schema;
}

DeadLetter::Identity as_name(DeadLetter::Identity identity) {
  std::ranges::replace(identity.stage, '/', '+');
  identity.run.resize(std::min(identity.run.size(), kRunDigits));
  return identity;
}

void append_lines(const Batch& batch, std::string& text) {
  for (std::size_t row = 0; row < batch.rows; ++row) text.append(batch.columns[0].bytes(row));
}

struct LetterName {
  Epoch epoch;
  std::string run;
};

// Of "STAGE.INSTANCE.EPOCH.RUN" with this ending; none for other names.
std::optional<LetterName> parse(const std::string& name, const std::string& stage, std::string_view ending) {
  if (!name.ends_with(ending)) return std::nullopt;
  const std::vector<std::string> parts = split(name.substr(0, name.size() - ending.size()), '.');
  if (parts.size() != 4 || parts[0] != stage) return std::nullopt;
  const auto epoch = parse_integer(parts[2]);
  if (!epoch.ok() || *epoch <= 0) return std::nullopt;
  return LetterName{Epoch(static_cast<std::uint64_t>(*epoch)), parts[3]};
}

}  // namespace

DeadLetter::DeadLetter(Files& files, StateStore& store, Identity identity)
    : files_(files),
      outbox_(store.outbox(spec())),
      identity_(as_name(std::move(identity))),
      spill_at_(kSpillAt),
      lines_(lines_schema()),
      growing_(growing_path()) {}

std::string DeadLetter::growing_path() const {
  const std::string attempt = identity_.attempt == 0 ? "" : "." + std::to_string(identity_.attempt);
  return at(identity_.stage + "." + std::to_string(identity_.instance) + attempt + std::string(kGrowing));
}

std::string DeadLetter::name(std::uint32_t origin, Epoch epoch) const {
  return identity_.stage + "." + std::to_string(origin) + "." + std::to_string(epoch.value()) + "." + identity_.run;
}

Status DeadLetter::add(const std::string& line) {
  lines_.column(0).append_bytes(line);
  lines_.column(1).append_null();
  lines_.end_row();
  if (lines_.full()) {
    gathered_.push_back(lines_.finish());
    gathered_bytes_ += gathered_.back().size_bytes();
  }
  if (gathered_bytes() < spill_at_) return {};
  Status spilled = spill();
  if (spilled.ok() || gathered_bytes() >= kHeldMax) return spilled;
  spill_at_ = gathered_bytes() + kSpillAt;  // a full disk ends nothing: it is tried again when more has come
  return {};
}

Status DeadLetter::spill() {
  std::string text;
  for (const Batch& batch : gathered_) append_lines(batch, text);
  if (lines_.rows() > 0) {
    gathered_.push_back(lines_.finish());
    gathered_bytes_ += gathered_.back().size_bytes();
    append_lines(gathered_.back(), text);
  }
  STREAM_TRY(files_.make_dir(identity_.folder));
  STREAM_TRY(files_.write_at(growing_, spilled_, text));
  spilled_ += text.size();
  gathered_.clear();
  gathered_bytes_ = 0;
  spill_at_ = kSpillAt;
  return {};
}

Status DeadLetter::prepare(Epoch epoch) {
  // Epochs that are never completed may be many, each of them small.
  if (spilled_ > 0 || outbox_.size_bytes() + gathered_bytes() >= kSpillAt) return prepare_file(epoch);
  for (Batch& batch : gathered_) outbox_.append(epoch, std::move(batch));
  gathered_.clear();
  gathered_bytes_ = 0;
  if (lines_.rows() > 0) outbox_.append(epoch, lines_.finish());
  return {};
}

Status DeadLetter::prepare_file(Epoch epoch) {
  if (spilled_ == 0 && gathered_.empty() && lines_.rows() == 0) return {};
  STREAM_TRY(spill());
  STREAM_TRY(files_.sync_file(growing_));
  const std::string pending = at(name(identity_.instance, epoch) + std::string(kPending));
  const Status renamed = files_.rename(growing_, pending);
  // Where the checkpoint fails, it grows on under the name it has got.
  if (renamed.ok() || files_.size(growing_).status().code() == Code::kNotFound) growing_ = pending;
  STREAM_TRY(renamed);
  STREAM_TRY(files_.sync_dir(identity_.folder));
  growing_ = growing_path();
  BatchBuilder row(lines_schema());
  row.column(0).append_null();
  row.column(1).append(static_cast<std::int64_t>(std::exchange(spilled_, 0)));
  row.end_row();
  outbox_.append(epoch, row.finish());
  return {};
}

std::vector<DeadLetter::Commit> DeadLetter::commits(Epoch epoch) const {
  std::vector<Commit> out;
  for (const Committable& committable : outbox_.committables()) {
    if (committable.epoch > epoch) continue;
    const std::string path = at(name(committable.origin, committable.epoch));
    Commit commit{path + std::string(kDone), "", ""};
    for (const Batch& batch : outbox_.batches(committable)) {
      if (batch.columns[1].valid(0)) commit.pending = path + std::string(kPending);
      append_lines(batch, commit.text);
    }
    out.push_back(std::move(commit));
  }
  return out;
}

Status DeadLetter::write(const std::vector<Commit>& commits) const {
  if (commits.empty()) return {};
  STREAM_TRY(files_.make_dir(identity_.folder));
  for (const Commit& commit : commits) {
    if (commit.pending.empty()) {
      const std::string partial = commit.path + ".partial";
      STREAM_TRY(files_.write_file(partial, commit.text));
      STREAM_TRY(files_.sync_file(partial));
      STREAM_TRY(files_.rename(partial, commit.path));
      continue;
    }
    const Status renamed = files_.rename(commit.pending, commit.path);
    if (renamed.ok()) continue;
    if (renamed.code() != Code::kNotFound) return renamed;
    if (files_.size(commit.path).ok()) continue;  // done before the restore
    std::fprintf(stderr, "stream-%s: warning: '%s' is not there: taken away, or lost before it got its name\n",
                 identity_.stage.c_str(), commit.path.c_str());
  }
  return files_.sync_dir(identity_.folder);
}

Status DeadLetter::rewind(Epoch epoch) const {
  auto names = files_.list(identity_.folder);
  if (!names.ok()) return names.status().code() == Code::kNotFound ? Status() : std::move(names).status();
  bool removed = false;
  for (const std::string& name : *names) {
    const auto letter = parse(name, identity_.stage, kDone);
    if (!letter || letter->run != identity_.run || letter->epoch <= epoch) continue;
    STREAM_TRY(files_.remove(at(name)));
    removed = true;
  }
  return removed ? files_.sync_dir(identity_.folder) : Status();
}

Status DeadLetter::on_restored(Epoch epoch) const {
  auto names = files_.list(identity_.folder);
  if (!names.ok()) return names.status().code() == Code::kNotFound ? Status() : std::move(names).status();
  for (const std::string& name : *names) {
    const auto letter = parse(name, identity_.stage, kPending);
    const bool unknown = letter && (letter->run != identity_.run || letter->epoch > epoch);
    const bool growing = name.starts_with(identity_.stage + ".") && name.ends_with(kGrowing);
    if (unknown || growing) STREAM_TRY(files_.remove(at(name)));
  }
  return {};
}

}  // namespace stream
