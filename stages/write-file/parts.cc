#include "stages/write-file/parts.h"
#include "stages/write-file/rolling.h"

#include <algorithm>

#include "stages/write-file/folders.h"

namespace stream {
namespace {

constexpr std::size_t kWriteAt = 64 << 10;
constexpr std::size_t kOpenMax = 256;
enum Column : std::size_t { kPart, kLength, kRolled };

std::string_view text_of(const ByteBuilder& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TableSpec parts_spec() {
  TableSpec spec;
  spec.name = "parts";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"part", kVarchar}};
  spec.value = {{"length", kBigint}, {"rolled", kBigint}};  // rolled: the epoch that publishes it, or 0
  return spec;
}

Parts::Parts(Context& context, FileSettings settings, Files& files)
    : files_(files),
      settings_(std::move(settings)),
      schema_(context.inputs[0]),
      clock_(context.clock),
      supervised_(context.supervised),
      instance_(context.instance),
      parallelism_(context.parallelism),
      run_(short_run(context)),
      predecessor_may_wake_(context.predecessor_may_wake),
      table_(context.state.table(parts_spec())),
      number_(context.first_number()) {
  if (settings_.success_after) success_ = std::make_unique<Success>(context.state, settings_, files_);
}

bool Parts::mine(const PartName& name) const { return owner_of_part(name, parallelism_) == instance_; }

// --- rows ------------------------------------------------------------------------------------------

PartName Parts::next_name(const std::string& folder) {
  PartName name{folder, instance_, run_, number_, settings_.extension};
  while (supervised_ && !mine(name)) ++name.number;
  number_ = name.number + 1;
  return name;
}

Result<Parts::Part*> Parts::part_of(const std::string& folder) {
  std::unique_ptr<Part>& part = open_[folder];
  if (part) return part.get();
  if (!made_.contains(folder)) {
    STREAM_TRY(files_.make_dir(at(folder)));
    made_.insert(folder);
  }
  part = std::make_unique<Part>();
  part->name = next_name(folder);
  part->encoder = make_encoder(settings_.encoder, schema_);
  part->opened = clock_.monotonic_us();
  return part.get();
}

Status Parts::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  STREAM_ASSIGN(const auto rows, spread(settings_.by, batch, out));
  for (const auto& [folder, positions] : rows) {
    STREAM_ASSIGN(Part* const part, part_of(folder));
    if (success_) success_->saw(folder, batch, positions);
    part->encoder->encode(positions.size() == batch.rows ? batch : batch.take(positions), part->buffer);
    if (part->buffer.size() >= kWriteAt) STREAM_TRY(write(*part));
    if (part->size + part->buffer.size() >= settings_.roll_size) {
      closed_.push_back(std::move(open_[folder]));
      open_.erase(folder);
    }
    if (open_.size() > kOpenMax) close_oldest(open_, closed_);
  }
  return supervised_ || closed_.empty() ? Status() : publish_now();
}

Status Parts::on_watermark(Microseconds watermark) {
  watermark_ = watermark;
  return {};
}

// What is complete is published by this epoch, and marked behind it.
void Parts::close_complete(Epoch epoch) {
  if (!success_) return;
  for (const std::string& folder : success_->complete(watermark_, epoch)) {
    const auto part = open_.find(folder);
    if (part == open_.end()) continue;
    closed_.push_back(std::move(part->second));
    open_.erase(part);
  }
}

void Parts::close_due() {
  close_opened_until(open_, closed_, ended_ ? INT64_MAX : clock_.monotonic_us() - settings_.roll_every);
}

Status Parts::write(Part& part) {
  if (part.buffer.size() == 0) return {};
  STREAM_TRY(files_.write_at(at(part.name.hidden()), part.size, text_of(part.buffer)));
  part.size += part.buffer.size();
  part.buffer.shrink(0);
  return {};
}

// --- checkpoints -----------------------------------------------------------------------------------

// A part that is closed by a restore has nothing to come.
void Parts::complete(Part& part) {
  if (part.encoder) part.encoder->complete(part.buffer);
}

Status Parts::record(Part& part, Epoch rolled) {
  complete(part);
  STREAM_TRY(write(part));
  if (part.size > part.recorded) STREAM_TRY(files_.sync_file(at(part.name.hidden())));
  part.recorded = part.size;
  const std::string key = part.name.key();
  const Row row = table_.upsert({std::string_view(key)}).first;
  table_.set(row, kLength, static_cast<std::int64_t>(part.size));
  table_.set(row, kRolled, static_cast<std::int64_t>(rolled.value()));
  return {};
}

// Names become durable with their folder, and a folder with the one it stands in.
Status Parts::sync_folders(const std::set<std::string>& folders) {
  std::set<std::string> all;
  for (const std::string& folder : folders) {
    std::string path = at(folder);
    while (path.ends_with('/')) path.pop_back();
    for (; path.size() >= settings_.path.size(); path = parent_of(path)) all.insert(path);
  }
  if (!all.empty()) all.insert(parent_of(settings_.path));
  for (const std::string& folder : all) STREAM_TRY(files_.sync_dir(folder));
  return {};
}

Status Parts::prepare(Epoch epoch) {
  close_due();
  close_complete(epoch);
  std::set<std::string> new_in;
  const auto changed = [&](Part& part, Epoch rolled) -> Status {
    if (part.recorded == 0) new_in.insert(part.name.folder);
    return record(part, rolled);
  };
  for (const auto& [folder, part] : open_) {
    complete(*part);
    if (part->buffer.size() > 0 || part->size > part->recorded) STREAM_TRY(changed(*part, Epoch(0)));
  }
  for (const auto& part : closed_) STREAM_TRY(changed(*part, epoch));
  STREAM_TRY(sync_folders(new_in));
  const std::lock_guard lock(mutex_);
  for (const auto& part : closed_) publications_.push_back({part->name, epoch, false});
  closed_.clear();
  return {};
}

Status Parts::commit(Epoch epoch) {
  std::vector<Publication> due;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(publications_, std::back_inserter(due),
                         [&](const Publication& publication) { return publication.epoch <= epoch; });
  }
  std::set<std::string> folders;
  for (const Publication& publication : due) {
    const PartName& name = publication.name;
    Status renamed = files_.rename(at(name.hidden()), at(name.published(publication.epoch)));
    // Published before the restore; whoever wanted it may have taken it away since.
    if (renamed.code() == Code::kNotFound && publication.maybe_done) continue;
    if (!renamed.ok()) return renamed;
    folders.insert(name.folder);
  }
  for (const std::string& folder : folders) STREAM_TRY(files_.sync_dir(at(folder)));
  if (success_) STREAM_TRY(success_->commit(epoch));
  // A commit that is tried again in this process finds these done.
  const std::lock_guard lock(mutex_);
  for (Publication& publication : publications_) publication.maybe_done |= publication.epoch <= epoch;
  return {};
}

Status Parts::committed(Epoch epoch) {
  const auto through = static_cast<std::int64_t>(epoch.value());
  std::vector<Row> done;
  table_.for_each([&](Row row) {
    const auto rolled = table_.get<std::int64_t>(row, kRolled);
    if (rolled != 0 && rolled <= through) done.push_back(row);
  });
  for (const Row row : done) table_.erase(row);
  if (success_) success_->committed(epoch);
  // Until then an earlier checkpoint may be gone back to; what is left of a stop goes with the next start.
  if (ended_) {
    for (const std::string& original : std::exchange(originals_, {})) (void)files_.remove(at(original));
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(publications_, [&](const Publication& publication) { return publication.epoch <= epoch; });
  return {};
}

// --- by hand ---------------------------------------------------------------------------------------

Status Parts::publish_now() {
  for (const auto& part : closed_) {
    complete(*part);
    STREAM_TRY(write(*part));
    STREAM_TRY(files_.rename(at(part->name.hidden()), at(part->name.published(Epoch(0)))));
  }
  closed_.clear();
  return {};
}

Status Parts::flush() {
  if (supervised_) return {};
  close_due();
  STREAM_TRY(publish_now());
  return success_ && ended_ ? success_->mark_all() : Status();
}

Status Parts::on_end() {
  ended_ = true;
  return flush();
}

}  // namespace stream
