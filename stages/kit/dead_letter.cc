#include "stages/kit/dead_letter.h"

#include "transport/base/text.h"

namespace stream {
namespace {

TableSpec spec() { return outbox_spec("kit_dead_letter", {{"line", kVarchar}}); }

SchemaPtr lines_schema() {
  static const auto schema = std::make_shared<const Schema>(*parse_schema("line varchar"));
  return schema;
}

// The epoch in "STAGE.INSTANCE.EPOCH.ndjson" of this stage; 0 for other names.
std::uint64_t epoch_of(const std::string& name, const std::string& stage) {
  const std::vector<std::string> parts = split(name, '.');
  if (parts.size() != 4 || parts[0] != stage || parts[3] != "ndjson") return 0;
  const auto epoch = parse_integer(parts[2]);
  return epoch.ok() ? static_cast<std::uint64_t>(*epoch) : 0;
}

}  // namespace

DeadLetter::DeadLetter(Files& files, StateStore& store, std::string folder, std::string stage)
    : files_(files),
      outbox_(store.outbox(spec())),
      folder_(std::move(folder)),
      stage_(std::move(stage)),
      lines_(lines_schema()) {}

Status DeadLetter::add(const std::string& line) {
  lines_.column(0).append_bytes(line);
  lines_.end_row();
  if (lines_.full()) gathered_.push_back(lines_.finish());
  return {};
}

void DeadLetter::prepare(Epoch epoch) {
  for (Batch& batch : gathered_) outbox_.append(epoch, std::move(batch));
  gathered_.clear();
  if (lines_.rows() > 0) outbox_.append(epoch, lines_.finish());
}

std::vector<DeadLetter::Commit> DeadLetter::commits(Epoch epoch) const {
  std::vector<Commit> out;
  for (const Committable& committable : outbox_.committables()) {
    if (committable.epoch > epoch) continue;
    Commit commit{folder_ + "/" + stage_ + "." + std::to_string(committable.origin) + "." +
                      std::to_string(committable.epoch.value()) + ".ndjson",
                  ""};
    for (const Batch& batch : outbox_.batches(committable)) {
      for (std::size_t row = 0; row < batch.rows; ++row) commit.text.append(batch.columns[0].bytes(row));
    }
    out.push_back(std::move(commit));
  }
  return out;
}

Status DeadLetter::write(const std::vector<Commit>& commits) const {
  if (commits.empty()) return {};
  STREAM_TRY(files_.make_dir(folder_));
  for (const Commit& commit : commits) {
    const std::string partial = commit.path + ".partial";
    STREAM_TRY(files_.write_file(partial, commit.text));
    STREAM_TRY(files_.sync_file(partial));
    STREAM_TRY(files_.rename(partial, commit.path));
  }
  return files_.sync_dir(folder_);
}

Status DeadLetter::rewind(Epoch epoch) const {
  auto names = files_.list(folder_);
  if (!names.ok()) return names.status().code() == Code::kNotFound ? Status() : std::move(names).status();
  for (const std::string& name : *names) {
    if (epoch_of(name, stage_) > epoch.value()) STREAM_TRY(files_.remove(folder_ + "/" + name));
  }
  return {};
}

}  // namespace stream
