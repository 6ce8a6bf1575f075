// State that is taken up otherwise than it was kept: restored, built on, merged.
#include <boost/test/unit_test.hpp>

#include "snapshot/restore.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

TableSpec totals(const std::string& name = "totals") {
  TableSpec spec;
  spec.name = name;
  spec.key = {{"host", kVarchar}};
  spec.value = {{"n", kBigint}, {"old", kBigint}};
  return spec;
}

// "share": 100 / n, which is column 1; there is none for 0.
class Share final : public RowLanguage {
 public:
  class Function final : public RowFunction {
   public:
    Type type() const override { return kBigint; }
    bool total() const override { return false; }
    std::vector<std::size_t> columns() const override { return {1}; }
    Result<Column> compute(const Batch& rows) const override {
      ColumnBuilder builder(kBigint);
      for (std::size_t row = 0; row < rows.rows; ++row) {
        const auto n = rows.columns[1].value<std::int64_t>(row);
        if (n == 0) return usage_error("'share': division by zero");
        builder.append(std::int64_t{100} / n);
      }
      return builder.finish();
    }
  };

  Result<std::shared_ptr<const RowFunction>> compile(std::string_view text, const Schema&) const override {
    if (text != "share") return usage_error("what is " + std::string(text) + "?");
    return std::shared_ptr<const RowFunction>(std::make_shared<Function>());
  }
};

const Share kLanguage;

// Stage "totals" is called "shares": n becomes share, old is dropped.
StageEvolution evolution() {
  const std::vector<ColumnEvolution> columns = {{"share", "", false, "share", {}}, {"old", "", true, "", {}}};
  return {"totals", false, {{"totals", {"shares", false, columns}}}};
}

TableSpec shares() {
  TableSpec spec = totals("shares");
  spec.value = {{"share", kBigint}};
  return spec;
}

void set(StateTable& table, const std::string& host, std::int64_t n) {
  const Row row = table.upsert({Cell(std::string_view(host))}).first;
  table.set(row, 1, n);
}

std::int64_t share_of(StateTable& table, const std::string& host) {
  const Row row = table.find({Cell(std::string_view(host))});
  return row ? table.get<std::int64_t>(row, 1) : -1;
}

std::string host(int i) { return "host " + std::to_string(i); }

// A base, in which some rows cannot be converted, and an increment by which they are others or gone.
InstanceFiles written(Files& files, const std::string& root, std::int64_t last = 5) {
  Instance instance(files, root, 0, 1);
  StateTable& table = instance.store.table(totals());
  for (int i = 0; i < 1000; ++i) set(table, host(i), i % 10);
  take(instance.writer.write(instance.store.capture(Epoch(1))));
  instance.store.completed(Epoch(1));
  for (int i = 0; i < 1000; i += 10) set(table, host(i), 4);
  table.erase(table.find({Cell(std::string_view("host 3"))}));
  set(table, host(5), last);
  return take(instance.writer.write(instance.store.capture(Epoch(2))));
}

RestoreSource source_of(const std::string& root, const InstanceFiles& files, bool extend = true) {
  return {root + "/checkpoints", Epoch(2), 1, {files}, extend, "", evolution()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evolve)

BOOST_AUTO_TEST_CASE(only_rows_that_are_left_are_converted) {
  FastFiles files;
  const TempDir dir;
  const InstanceFiles kept = written(files, dir.path());
  StateStore store;
  StateTable& table = store.table(shares());
  require_ok(store.restore(source_of(dir.path(), kept), &kLanguage));
  BOOST_TEST(table.rows() == 999u);
  BOOST_TEST(share_of(table, "host 0") == 25);
  BOOST_TEST(share_of(table, "host 3") == -1);
  BOOST_TEST(share_of(table, "host 7") == 14);
}

BOOST_AUTO_TEST_CASE(a_row_that_cannot_be_converted_is_told) {
  FastFiles files;
  const TempDir dir;
  const RestoreSource source = source_of(dir.path(), written(files, dir.path(), 0));
  StateStore store;
  store.table(shares());
  const Status restored = store.restore(source, &kLanguage);
  BOOST_TEST((restored.code() == Code::kUsage));
  BOOST_TEST(restored.what() == "state table 'shares': column 'share': 'share': division by zero");
  BOOST_TEST(try_conversions(source, {0, 1, kKeyGroupsDefault, &kLanguage}, {shares()}).what() == restored.what());
  StateStore speechless;
  speechless.table(shares());
  BOOST_TEST(!speechless.restore(source).ok());
}

BOOST_AUTO_TEST_CASE(what_is_built_on_is_converted_once) {
  FastFiles files;
  const TempDir dir;
  const RestoreSource source = source_of(dir.path(), written(files, dir.path()));
  Instance instance(files, dir.path(), 0, 1, 2);
  StateTable& table = instance.store.table(shares());
  require_ok(instance.store.restore(source, &kLanguage));
  instance.writer.restored(source, instance.store.specs(), &kLanguage);
  set(table, "host 7", 77);
  RestoreSource next{dir / "checkpoints", Epoch(3), 1, {}, true};
  next.instances = {take(instance.writer.write(instance.store.capture(Epoch(3))))};
  StateStore again;
  StateTable& same = again.table(shares());
  require_ok(again.restore(next));
  BOOST_TEST(same.rows() == 999u);
  BOOST_TEST(share_of(same, "host 7") == 77);
  BOOST_TEST(share_of(same, "host 0") == 25);
}

BOOST_AUTO_TEST_CASE(rows_are_converted_where_they_go_when_a_stage_is_rescaled) {
  FastFiles files;
  const TempDir dir;
  const RestoreSource source = source_of(dir.path(), written(files, dir.path()), false);
  std::size_t rows = 0;
  for (std::uint32_t instance = 0; instance < 3; ++instance) {
    StateStore store({instance, 3, kKeyGroupsDefault, true});
    StateTable& table = store.table(shares());
    require_ok(store.restore(source, &kLanguage));
    rows += table.rows();
    table.for_each([&](Row row) { BOOST_TEST(table.get<std::int64_t>(row, 1) >= 11); });
  }
  BOOST_TEST(rows == 999u);
}

BOOST_AUTO_TEST_CASE(what_is_dropped_is_not_read_but_for_what_is_to_be_written) {
  FastFiles files;
  const TempDir dir;
  RestoreSource source = source_of(dir.path(), written(files, dir.path()));
  source.evolution = {"", false, {{"totals", {"", true, {}}}}};
  StateStore store;
  require_ok(store.restore(source, &kLanguage));
  source.evolution = {"", true, {}};
  StateStore other;
  StateTable& table = other.table(totals());
  require_ok(other.restore(source, &kLanguage));
  BOOST_TEST(table.rows() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
