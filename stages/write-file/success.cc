#include "stages/write-file/success.h"

#include <algorithm>

namespace stream {
namespace {

enum Column : std::size_t { kFolder, kNewest, kMarked };

}  // namespace

TableSpec folders_spec() {
  TableSpec spec;
  spec.name = "folders";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"folder", kVarchar}};
  spec.value = {{"newest", kTimestamp}, {"marked", kBigint}};  // marked: the epoch that marks it, or 0
  return spec;
}

Success::Success(StateStore& state, const FileSettings& settings, Files& files)
    : files_(files), path_(settings.path), after_(*settings.success_after), table_(state.table(folders_spec())) {}

std::string Success::path_in(const std::string& folder) const {
  return path_ + "/" + folder + std::string(kSuccessName);
}

void Success::saw(const std::string& folder, const Batch& batch, std::span<const std::uint32_t> rows) {
  const auto [row, made] = table_.upsert({std::string_view(folder)});
  // A folder that was complete gets late rows: it is so again when event time has gone on.
  Microseconds newest = made ? kNoWatermark : table_.get<std::int64_t>(row, kNewest);
  const stream::Column& time = batch.columns[*batch.schema->time];
  for (const std::uint32_t at : rows) {
    if (time.valid(at)) newest = std::max(newest, time.value<std::int64_t>(at));
  }
  table_.set(row, kNewest, newest);
  table_.set(row, kMarked, std::int64_t{0});
}

std::vector<std::string> Success::complete(Microseconds watermark, Epoch epoch) {
  std::vector<std::string> folders;
  std::vector<Row> rows;
  table_.for_each([&](Row row) {
    const auto newest = table_.get<std::int64_t>(row, kNewest);
    if (table_.get<std::int64_t>(row, kMarked) != 0 || watermark == kNoWatermark) return;
    if (watermark != kEndOfTime && (watermark < kNoWatermark + after_ || newest > watermark - after_)) return;
    folders.emplace_back(table_.bytes(row, kFolder));
    rows.push_back(row);
  });
  for (const Row row : rows) table_.set(row, kMarked, static_cast<std::int64_t>(epoch.value()));
  const std::lock_guard lock(mutex_);
  for (const std::string& folder : folders) markers_.push_back({folder, epoch});
  return folders;
}

Status Success::make(const std::string& folder) {
  STREAM_TRY(files_.write_file(path_in(folder), ""));
  STREAM_TRY(files_.sync_file(path_in(folder)));
  return files_.sync_dir(path_ + "/" + folder);
}

Status Success::commit(Epoch epoch) {
  std::vector<Marker> due;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(markers_, std::back_inserter(due),
                         [&](const Marker& marker) { return marker.epoch <= epoch; });
  }
  for (const Marker& marker : due) STREAM_TRY(make(marker.folder));
  return {};
}

void Success::committed(Epoch epoch) {
  const auto through = static_cast<std::int64_t>(epoch.value());
  std::vector<Row> done;
  table_.for_each([&](Row row) {
    const auto marked = table_.get<std::int64_t>(row, kMarked);
    if (marked != 0 && marked <= through) done.push_back(row);
  });
  for (const Row row : done) table_.erase(row);
  const std::lock_guard lock(mutex_);
  std::erase_if(markers_, [&](const Marker& marker) { return marker.epoch <= epoch; });
}

Status Success::on_restored() {
  table_.for_each([&](Row row) {
    const auto marked = static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kMarked));
    if (marked != 0) markers_.push_back({std::string(table_.bytes(row, kFolder)), Epoch(marked)});
  });
  return {};
}

Status Success::remove(const std::string& folder) {
  if (!files_.size(path_in(folder)).ok()) return {};
  STREAM_TRY(files_.remove(path_in(folder)));
  return files_.sync_dir(path_ + "/" + folder);
}

Status Success::rewind(const std::set<std::string>& folders, const std::set<std::string>& begun) {
  for (const std::string& folder : folders) {
    const Row row = table_.find({std::string_view(folder)});
    const bool open = row && table_.get<std::int64_t>(row, kMarked) == 0;
    if (open || !begun.contains(folder)) STREAM_TRY(remove(folder));
  }
  return {};
}

Status Success::mark_all() {
  for (const std::string& folder : complete(kEndOfTime, Epoch(1))) STREAM_TRY(make(folder));
  committed(Epoch(1));
  return {};
}

}  // namespace stream
