#include <boost/test/unit_test.hpp>

#include <filesystem>

#include "snapshot/grouping.h"
#include "snapshot/savepoint.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"
#include "tests/support/state_model.h"

using namespace stream;

namespace {

TableSpec named(TableSpec spec, const char* name) {
  spec.name = name;
  return spec;
}

TableSpec copy_spec() {
  TableSpec spec;
  spec.name = "copy";
  spec.distribution = Distribution::kBroadcast;
  spec.key = {{"n", kBigint}};
  spec.value = {{"text", kVarchar}};
  return spec;
}

TableSpec splits_spec() {
  TableSpec spec;
  spec.name = "splits";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"path", kVarchar}};
  spec.value = {{"offset", kBigint}};
  return spec;
}

TableSpec pending_spec() { return outbox_spec("pending", {{"n", kBigint}, {"name", kVarchar}}); }

Batch pending_batch(const SchemaPtr& schema, std::int64_t first, int rows) {
  BatchBuilder builder(schema);
  for (int k = 0; k < rows; ++k) {
    builder.column(0).append(first + k);
    builder.column(1).append_bytes("name " + std::to_string(first + k));
    builder.end_row(k % 3 == 1 ? RowKind::kDelete : RowKind::kInsert);
  }
  return builder.finish();
}

// What a whole stage holds: tables by name; the outbox as committable -> rows in order.
struct Whole {
  std::map<std::string, Contents> tables;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::string> pending;
  friend bool operator==(const Whole&, const Whole&) = default;
};

struct Tables {
  explicit Tables(StateStore& store)
      : keyed(store.table(rich_spec())),
        late(store.table(named(rich_spec(), "late"))),
        splits(store.table(splits_spec())),
        copy(store.table(copy_spec())),
        pending(store.outbox(pending_spec())) {}
  StateTable& keyed;
  StateTable& late;
  StateTable& splits;
  StateTable& copy;
  Outbox& pending;
};

std::string rows_text(const std::vector<Batch>& batches) {
  std::string text;
  for (const Batch& batch : batches) {
    for (std::size_t k = 0; k < batch.rows; ++k) {
      text += std::to_string(batch.columns[0].value<std::int64_t>(k)) + std::string(batch.columns[1].bytes(k)) +
              std::to_string(static_cast<int>(batch.kind(k))) + ";";
    }
  }
  return text;
}

void add_whole(const Tables& tables, Whole& whole) {
  for (const StateTable* table : {&tables.keyed, &tables.late, &tables.splits}) {
    for (auto& [key, value] : contents_of(*table)) {
      BOOST_REQUIRE(whole.tables[table->spec().name].emplace(key, value).second);  // nobody else has it
    }
  }
  Contents copy = contents_of(tables.copy);
  const auto [known, fresh] = whole.tables.emplace("copy", copy);
  BOOST_REQUIRE(fresh || known->second == copy);
  for (const Committable c : tables.pending.committables()) {
    BOOST_REQUIRE(
        whole.pending.emplace(std::pair(c.epoch.value(), c.origin), rows_text(tables.pending.batches(c))).second);
  }
}

// Random rows of this instance only, as the partitioning of its input would have it.
void work(Tables& tables, RandomCells& random, std::uint32_t instance, std::uint32_t parallelism, Epoch epoch) {
  for (StateTable* table : {&tables.keyed, &tables.late}) {
    StateModel model(table->spec());
    for (int n = 0; n < 150; ++n) model.step(*table, random);
    std::vector<Row> foreign;
    table->for_each([&](Row row) {
      const Row rows[] = {row};
      Batch key{nullptr, 1, {}, {}};
      for (std::size_t c = 0; c < table->spec().key.size(); ++c) key.columns.push_back(table->gather(rows, c));
      const KeyGroup group = key_group_of(group_hashes(table->spec(), key)[0], kKeyGroupsDefault);
      if (owner_of(group, kKeyGroupsDefault, parallelism) != instance) foreign.push_back(row);
    });
    for (const Row row : foreign) table->erase(row);
  }
  for (int n = 0; n < 20; ++n) {
    const std::string path = "file " + std::to_string(n);
    Batch key{nullptr, 1, {}, {}};
    ColumnBuilder column(kVarchar);
    column.append_bytes(path);
    key.columns.push_back(column.finish());
    if (owner_of_split(group_hashes(splits_spec(), key)[0], parallelism) != instance) continue;
    tables.splits.set(tables.splits.upsert({std::string_view(path)}).first, 1,
                      static_cast<std::int64_t>(epoch.value() * 100));
  }
  const std::string text(30, static_cast<char>('a' + epoch.value()));
  tables.copy.set_bytes(tables.copy.upsert({static_cast<std::int64_t>(epoch.value())}).first, 1, text);
  const auto first = static_cast<std::int64_t>(epoch.value() * 1000 + instance * 100);
  tables.pending.append(epoch, pending_batch(tables.pending.schema(), first, 5));
  tables.pending.append(epoch, pending_batch(tables.pending.schema(), first + 50, 3));
  if (epoch.value() > 2) tables.pending.drop_through(Epoch(epoch.value() - 2));
}

// A stage of p instances after several checkpoints: its files, and what they hold.
std::pair<CheckpointIndex, Whole> run_stage(Files& files, const TempDir& dir, std::uint32_t parallelism) {
  std::vector<InstanceFiles> written;
  Whole whole;
  for (std::uint32_t k = 0; k < parallelism; ++k) {
    Instance instance(files, dir.path(), k, parallelism);
    Tables tables(instance.store);
    RandomCells random(parallelism * 10 + k);
    for (std::uint64_t e = 1; e <= 4; ++e) {
      work(tables, random, k, parallelism, Epoch(e));
      InstanceFiles now = take(instance.writer.write(instance.store.capture(Epoch(e))));
      if (e != 2) instance.store.completed(Epoch(e));  // 2 was aborted
      if (e == 4) written.push_back(std::move(now));
    }
    add_whole(tables, whole);
  }
  return {index_of(Epoch(4), parallelism, written), whole};
}

Whole restore_with(const RestoreSource& source, std::uint32_t parallelism) {
  Whole whole;
  for (std::uint32_t k = 0; k < parallelism; ++k) {
    StateStore store({k, parallelism, kKeyGroupsDefault, true});
    Tables tables(store);
    require_ok(store.restore(needed_by(source, k, parallelism)));
    add_whole(tables, whole);
  }
  return whole;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rescale)

BOOST_AUTO_TEST_CASE(any_parallelism_restores_the_state_of_any_other) {
  FastFiles files;
  for (std::uint32_t p = 1; p <= 4; ++p) {
    const TempDir dir;
    const auto [index, whole] = run_stage(files, dir, p);
    require_ok(publish_checkpoint(files, dir / "checkpoints", index));
    const CheckpointIndex read = take(load_checkpoint(dir / "checkpoints", Epoch(4)));
    BOOST_REQUIRE((read == index));
    for (std::uint32_t q = 1; q <= 4; ++q) {
      BOOST_TEST_CONTEXT("from " << p << " to " << q) {
        BOOST_TEST((restore_with(restore_source(read, "totals", dir / "checkpoints", true), q) == whole));
      }
    }
  }
}

// With all of theirs a stage of hundreds would open tens of thousands of files to start again as it was.
BOOST_AUTO_TEST_CASE(who_restores_what_was_its_own_needs_little_more) {
  const auto files = [](std::uint32_t instance, bool any) {
    return InstanceFiles{instance, any ? std::vector<FileRef>{{"f", 1, "", true}} : std::vector<FileRef>()};
  };
  const RestoreSource source{
      "/x", Epoch(4), 4, {files(3, true), files(1, true), files(0, false), files(2, true)}, true};
  const auto instances = [&](std::uint32_t instance, std::uint32_t parallelism) {
    std::vector<std::uint32_t> list;
    for (const InstanceFiles& one : needed_by(source, instance, parallelism).instances) list.push_back(one.instance);
    return list;
  };
  BOOST_TEST(instances(1, 4) == std::vector<std::uint32_t>{1}, boost::test_tools::per_element());
  BOOST_TEST(instances(3, 4) == (std::vector<std::uint32_t>{1, 3}), boost::test_tools::per_element());
  BOOST_TEST(instances(0, 4) == (std::vector<std::uint32_t>{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(instances(1, 3).size() == 4);
  RestoreSource refed = source;
  refed.refed = true;
  BOOST_TEST(needed_by(refed, 1, 4).instances.size() == 4);
  BOOST_TEST(!refed.extends());
  const auto told = restore_source_from_json(to_json(refed));
  BOOST_TEST_REQUIRE(told.ok());
  BOOST_TEST((*told == refed));
  BOOST_TEST(needed_by({"/x", Epoch(4), 2, {}, true}, 1, 2).instances.empty());
}

BOOST_AUTO_TEST_CASE(a_rescaled_instance_first_writes_a_base_of_its_own) {
  FastFiles files;
  const TempDir dir;
  const auto [index, whole] = run_stage(files, dir, 3);
  const RestoreSource source = restore_source(index, "totals", dir / "checkpoints", true);
  std::vector<InstanceFiles> written;
  for (std::uint32_t k = 0; k < 2; ++k) {
    Instance instance(files, dir.path(), k, 2, 2);
    Tables tables(instance.store);
    require_ok(instance.store.restore(source));
    instance.writer.restored(source);
    written.push_back(take(instance.writer.write(instance.store.capture(Epoch(5)))));
    for (const FileRef& file : written.back().files) BOOST_TEST(file.path.starts_with("5/"));
  }
  const CheckpointIndex next = index_of(Epoch(5), 2, written);
  BOOST_TEST((restore_with(restore_source(next, "totals", dir / "checkpoints", true), 4) == whole));
}

BOOST_AUTO_TEST_CASE(a_savepoint_restores_like_the_checkpoint_but_with_nothing_pending) {
  FastFiles files;
  for (const bool single : {false, true}) {
    const TempDir dir;
    auto [index, whole] = run_stage(files, dir, 2);
    whole.pending.clear();
    const std::string target = dir / (single ? "save.db" : "save");
    SavepointRequest request{index, dir / "checkpoints", target, "before-upgrade", false, single, 17};
    request.threads = 2;
    const CheckpointIndex built = take(build_savepoint(files, request));
    const CheckpointIndex read = take(load_savepoint(target));
    BOOST_TEST((read == built));
    BOOST_TEST(read.label == "before-upgrade");
    require_ok(verify_files(read, savepoint_folder(target)));
    for (std::uint32_t q = 1; q <= 3; ++q) {
      BOOST_TEST((restore_with(restore_source(read, "totals", savepoint_folder(target), false), q) == whole));
    }
    BOOST_TEST((build_savepoint(files, request).status().code() == Code::kUsage));
    BOOST_TEST((take(delete_savepoint(files, target)) == built));
    BOOST_TEST(!std::filesystem::exists(target));
    BOOST_TEST(std::filesystem::exists(dir / "checkpoints"));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_savepoint_is_not_deleted) {
  FastFiles files;
  const TempDir dir;
  const auto [index, whole] = run_stage(files, dir, 2);
  require_ok(publish_checkpoint(files, dir / "checkpoints", index));
  const std::string checkpoint = checkpoint_folder(dir / "checkpoints", index.epoch);
  take(build_savepoint(files, {index, dir / "checkpoints", dir / "save", "", false, false, 17}));
  require_ok(files.write_file(dir / "save/notes", "mine"));
  std::filesystem::create_symlink(dir / "save", dir / "link");
  BOOST_TEST((delete_savepoint(files, dir / "save").status().code() == Code::kFailed));
  for (const std::string& path : {dir.path(), dir / "checkpoints", checkpoint, dir / "link", dir / "save/notes",
                                  dir / "none", checkpoint + "/checkpoint.sqlite"}) {
    BOOST_TEST((delete_savepoint(files, path).status().code() == Code::kUsage), path);
  }
  require_ok(verify_files(take(load_savepoint(dir / "save")), dir / "save"));
  BOOST_TEST(std::filesystem::exists(checkpoint + "/checkpoint.sqlite"));
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_does_not_fit_the_stage_is_refused_by_name) {
  FastFiles files;
  const TempDir dir;
  const auto [index, whole] = run_stage(files, dir, 1);
  const RestoreSource source = restore_source(index, "totals", dir / "checkpoints", true);
  StateStore empty;
  BOOST_TEST(empty.restore(source).what() == "the snapshot holds state table 'copy', which the stage does not have");
  StateStore changed;
  TableSpec spec = copy_spec();
  spec.value[0].type = kBigint;
  changed.table(spec);
  BOOST_TEST(changed.restore(source).what() ==
             "the snapshot does not fit state table 'copy': column 'text' was VARCHAR and is BIGINT now");
}

BOOST_AUTO_TEST_CASE(a_new_value_column_starts_as_null) {
  FastFiles files;
  const TempDir dir;
  Instance instance(files, dir.path(), 0, 1);
  TableSpec spec = copy_spec();
  instance.store.table(spec).upsert({std::int64_t{1}});
  const InstanceFiles written = take(instance.writer.write(instance.store.capture(Epoch(1))));
  spec.value.insert(spec.value.begin(), {"added", kTimestamp});
  spec.ordered = "added";
  StateStore store;
  StateTable& table = store.table(spec);
  require_ok(store.restore({dir / "checkpoints", Epoch(1), 1, {written}, true}));
  const Row row = table.find({std::int64_t{1}});
  BOOST_REQUIRE(static_cast<bool>(row));
  BOOST_TEST(table.is_null(row, 1));
  BOOST_TEST(!table.is_null(row, 2));
}

BOOST_AUTO_TEST_CASE(files_and_sources_survive_the_control_channel) {
  const InstanceFiles files{
      3, {{"1/a.3.a1.sqlite", 17, std::string(64, 'f'), true}, {"2/a.3.a1.sqlite", 1, std::string(64, '0'), false}}};
  BOOST_TEST((*instance_files_from_json(to_json(files)) == files));
  const RestoreSource source{"/x", Epoch(7), 4, {files}, true};
  BOOST_TEST((*restore_source_from_json(to_json(source)) == source));
  BOOST_TEST(!restore_source_from_json("[]").ok());
}

BOOST_AUTO_TEST_SUITE_END()
