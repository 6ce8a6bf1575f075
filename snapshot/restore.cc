#include "snapshot/restore.h"

#include <algorithm>
#include <filesystem>

#include "snapshot/checkpoint.h"
#include "snapshot/digest.h"
#include "snapshot/grouping.h"
#include "snapshot/into_table.h"
#include "snapshot/read_ahead.h"
#include "snapshot/table_slices.h"

namespace stream {
namespace {

constexpr std::size_t kTransferRows = 4096;
constexpr std::uint64_t kReadAheadRows = 100'000;  // fewer are read before a thread is worth it

// A file that is missing beside the index that names it is a damage; without that, what has both is not mounted.
Status missing(const RestoreSource& source, const std::string& what) {
  const std::string beside = source.extend ? index_path(source.folder, source.epoch) : source.folder;
  if (std::filesystem::exists(beside)) return corrupt(what);
  return {Code::kSystem, what + ": nor is '" + beside + "' there; mount what has it"};
}

// What is on this host is read sooner; a copy may be torn or gone.
std::string nearest_copy(const RestoreSource& source, const FileRef& ref) {
  if (!source.local.empty()) {
    std::string copy = source.local + "/" + ref.path;
    const auto digest = digest_file(copy);
    if (digest.ok() && digest->size_bytes == ref.size_bytes && digest->sha256 == ref.sha256) return copy;
  }
  return source.folder + "/" + ref.path;
}

class IntoOutbox final : public Destination {
 public:
  explicit IntoOutbox(Outbox& outbox) : outbox_(outbox) {}
  Status clear() override { return corrupt("an outbox was never cleared"); }
  Status drop_before(std::size_t /*column*/, std::int64_t before) override {
    outbox_.unload_before(before);
    return {};
  }
  Status drop(const Batch& /*keys*/) override { return {}; }
  Status load(const Batch& rows) override {
    outbox_.load(rows);
    return {};
  }

 private:
  Outbox& outbox_;
};

// Keeps the rows that belong to the target, in the columns of the table.
class Share final : public ChangeVisitor {
 public:
  Share(const TableSpec& file, const TableSpec& table, TableFit fit, KeyGroupRange groups, RestoreTarget target,
        Destination& to)
      : file_(file), table_(table), fit_(std::move(fit)), groups_(groups), target_(target), to_(to) {}

  Status clear() override { return to_.clear(); }
  Status drop_before(std::int64_t before) override {
    const auto column = file_.find(file_.ordered);
    if (!column) return corrupt("rows are dropped by time in a table without");
    for (std::size_t i = 0; i < fit_.columns.size(); ++i) {
      if (fit_.columns[i].kept == *column) return to_.drop_before(i, before);
    }
    return {};
  }
  Status tombstones(const Batch& keys, bool exact) override { return to_.drop(mine(keys, exact)); }
  Status rows(const Batch& rows, bool exact) override {
    STREAM_ASSIGN(const Batch fitted, fitted_rows(fit_, table_, mine(rows, exact)));
    return to_.load(fitted);
  }

 private:
  Batch mine(const Batch& batch, bool exact) const {
    const bool split = table_.distribution == Distribution::kSplit;
    if (exact && !split) return batch;
    const std::vector<std::uint64_t> hashes = group_hashes(file_, batch);
    std::vector<std::uint32_t> keep;
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
      const std::uint32_t group = key_group_of(hashes[i], target_.key_groups).value();
      if (group < groups_.begin || group >= groups_.end) continue;
      if (split && owner_of_split(hashes[i], target_.parallelism) != target_.instance) continue;
      keep.push_back(i);
    }
    return keep.size() == batch.rows ? batch : batch.take(keep);
  }

  const TableSpec& file_;
  const TableSpec& table_;
  TableFit fit_;
  KeyGroupRange groups_;
  RestoreTarget target_;
  Destination& to_;
};

}  // namespace

Result<std::unique_ptr<RestoreReader>> RestoreReader::open(const RestoreSource& source, RestoreTarget target) {
  std::unique_ptr<RestoreReader> reader(new RestoreReader());
  reader->target_ = target;
  reader->evolution_ = source.evolution;
  reader->old_parallelism_ = source.parallelism;
  reader->refed_ = source.refed;
  for (const InstanceFiles& files : source.instances) STREAM_TRY(reader->open_instance(source, files));
  std::ranges::sort(reader->instances_, {}, &Instance::instance);
  std::ranges::sort(reader->tables_, {}, &TableSpec::name);
  return reader;
}

Status RestoreReader::open_instance(const RestoreSource& source, const InstanceFiles& files) {
  Instance instance{files.instance, {}};
  for (const FileRef& ref : files.files) {
    const std::string path = nearest_copy(source, ref);
    Result<std::unique_ptr<SnapshotFile>> opened = SnapshotFile::open(path);
    if (opened.status().code() == Code::kNotFound) return missing(source, opened.status().what());
    STREAM_ASSIGN(auto file, std::move(opened));
    const SnapshotIdentity& identity = file->identity();
    if (identity.instance != files.instance || identity.parallelism != source.parallelism) {
      return corrupt("unable to restore: '" + path + "' belongs to another instance");
    }
    if (identity.base != instance.files.empty()) {
      return corrupt("unable to restore: '" + path + "' is out of its place among base and increments");
    }
    if (identity.key_groups != target_.key_groups) {
      return usage_error("'" + path + "' has " + std::to_string(identity.key_groups) + " key groups, not " +
                         std::to_string(target_.key_groups) + "; key-groups cannot change with the state kept");
    }
    for (const TableSpec& spec : file->tables()) {
      const auto known = std::ranges::find(tables_, spec.name, &TableSpec::name);
      if (known == tables_.end())
        tables_.push_back(spec);
      else
        *known = spec;
    }
    instance.files.push_back(std::move(file));
  }
  instances_.push_back(std::move(instance));
  return {};
}

KeyGroupRange RestoreReader::groups_of(const TableSpec& spec) const {
  if (spec.distribution != Distribution::kKeyed) return {0, target_.key_groups};
  return key_groups_of(target_.instance, target_.parallelism, target_.key_groups);
}

// Whether what the other instances have of such a table is theirs alone.
bool RestoreReader::reads_own(Distribution distribution) const {
  if (!same_layout()) return false;
  return distribution == Distribution::kSplit || (distribution == Distribution::kShared && !refed_);
}

std::vector<RestoreReader::Instance*> RestoreReader::contributors(const TableSpec& spec) {
  std::vector<Instance*> list;
  const KeyGroupRange mine = groups_of(spec);
  for (Instance& from : instances_) {
    if (from.files.empty()) continue;
    const auto theirs = key_groups_of(from.instance, old_parallelism_, target_.key_groups);
    if (spec.distribution == Distribution::kKeyed && !overlap(mine, theirs)) continue;
    if (reads_own(spec.distribution) && from.instance != target_.instance) continue;
    if (spec.distribution == Distribution::kOutbox && from.instance % target_.parallelism != target_.instance) continue;
    list.push_back(&from);
    if (spec.distribution == Distribution::kBroadcast) break;
  }
  return list;
}

Status RestoreReader::load_instance(Instance& from, KeyGroupRange groups, const TableSpec& kept, Destination& to) {
  return load_instance(from, groups, kept, kept, {}, to);
}

// What every file of the instance that knows the table says of it.
Status RestoreReader::load_instance(Instance& from, KeyGroupRange groups, const TableSpec& kept,
                                    const TableSpec& wanted, const TableEvolution& evolution, Destination& to) {
  for (const auto& file : from.files) {
    const auto& tables = file->tables();
    const auto found = std::ranges::find(tables, kept.name, &TableSpec::name);
    if (found == tables.end()) continue;
    TableFit fit = fit_table(*found, wanted, evolution, target_.language);
    STREAM_TRY(fit_status(fit, wanted));
    Share share(*found, wanted, std::move(fit), groups, target_, to);
    STREAM_TRY(file->visit(static_cast<std::size_t>(found - tables.begin()), groups, share));
  }
  return {};
}

Result<bool> RestoreReader::has_marks(const std::vector<Instance*>& instances, const std::string& table) {
  for (const Instance* instance : instances) {
    for (const auto& file : instance->files) {
      const auto found = std::ranges::find(file->tables(), table, &TableSpec::name);
      if (found == file->tables().end()) continue;
      STREAM_ASSIGN(const bool marks, file->has_marks(static_cast<std::size_t>(found - file->tables().begin())));
      if (marks) return true;
    }
  }
  return false;
}

Status RestoreReader::load(KeyGroupRange groups, StateTable& table) {
  const TableSpec& spec = table.spec();
  const TableSpec* kept = kept_for(spec.name);
  if (kept == nullptr) return {};
  const TableFit whole = fit(*kept, spec);
  STREAM_TRY(fit_status(whole, spec));
  if (whole.computes()) return load_converted(whole, groups, *kept, table);
  const std::vector<Instance*> from = contributors(spec);
  STREAM_ASSIGN(const std::uint64_t expected, rows_expected(from, groups, kept->name));
  table.expect(expected);
  // Marks speak of all rows of their old instance, which must not meet those of another.
  STREAM_ASSIGN(const bool marks, has_marks(from, kept->name));
  const TableEvolution evolution = evolution_of(*kept);
  IntoTable into(table);
  const auto read = [&](Destination& to) -> Status {
    for (Instance* instance : from) STREAM_TRY(load_instance(*instance, groups, *kept, spec, evolution, to));
    return {};
  };
  if (from.size() > 1 && marks)
    return load_apart(from, groups, *kept, [&](const Batch& rows) {
      STREAM_ASSIGN(const Batch fitted, fitted_rows(whole, spec, rows));
      table.load(fitted);
      return Status();
    });
  return expected < kReadAheadRows ? read(into) : ReadAhead::run(read, into);
}

Status RestoreReader::load_apart(const std::vector<Instance*>& from, KeyGroupRange groups, const TableSpec& kept,
                                 const std::function<Status(const Batch&)>& take) {
  for (Instance* instance : from) {
    StateTable passing(without_paths(kept), false);
    IntoTable into(passing);
    STREAM_TRY(load_instance(*instance, groups, passing.spec(), into));
    STREAM_TRY(for_each_chunk(passing, kTransferRows, take));
  }
  return {};
}

Status RestoreReader::load(Outbox& outbox) {
  const KeyGroupRange all{0, target_.key_groups};
  const TableSpec* kept = kept_for(outbox.spec().name);
  if (kept == nullptr) return {};
  const TableEvolution evolution = evolution_of(*kept);
  const std::vector<Instance*> from = contributors(outbox.spec());
  for (Instance* instance : from) {
    Outbox passing(outbox.spec(), instance->instance, false);
    IntoOutbox into(passing);
    STREAM_TRY(load_instance(*instance, all, *kept, outbox.spec(), evolution, into));
    for (const OutboxBatch& batch : passing.all()) outbox.load(outbox_rows(batch));
  }
  return {};
}

}  // namespace stream
