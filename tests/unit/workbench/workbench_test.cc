// Queries, figures and differences of snapshots that several instances have written, as checkpoints and as savepoints.
#include <boost/test/unit_test.hpp>

#include <map>

#include "snapshot/grouping.h"
#include "snapshot/savepoint.h"
#include "snapshot/workbench/state_diff.h"
#include "snapshot/workbench/state_figures.h"
#include "snapshot/workbench/state_query.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

constexpr int kHosts = 40;
constexpr int kMinutes = 5;
constexpr std::uint32_t kInstances = 3;

TableSpec totals_spec() {
  TableSpec spec;
  spec.name = "totals";
  spec.key = {{"host", kVarchar}, {"minute", kBigint}};
  spec.group_columns = 1;
  spec.value = {
      {"n", kBigint}, {"amount", decimal_type(10, 2)}, {"seen", kTimestamp}, {"ok", kBoolean}, {"ratio", kDouble}};
  return spec;
}

std::string host_name(int host) { return "host" + std::to_string(host); }

bool owns(std::uint32_t instance, const std::string& host) {
  Batch key{nullptr, 1, {}, {}};
  ColumnBuilder name(kVarchar);
  name.append_bytes(host);
  key.columns.push_back(name.finish());
  return owner_of(key_group_of(group_hashes(totals_spec(), key)[0], kKeyGroupsDefault), kKeyGroupsDefault,
                  kInstances) == instance;
}

void put(StateTable& table, const std::string& host, std::int64_t minute, std::int64_t n) {
  const Row row = table.upsert({std::string_view(host), minute}).first;
  table.set(row, 2, n);
  table.set(row, 3, Decimal{n * 100 + 50});
  if (n % 2 == 0)
    table.set(row, 4, std::int64_t{1'700'000'000'000'000});
  else
    table.set_null(row, 4);
  table.set(row, 5, static_cast<std::uint8_t>(n % 3 == 0));
  table.set(row, 6, static_cast<double>(n) / 4);
}

// A base, then an increment in which one host's first minute has gone and the others' counts have grown.
CheckpointIndex written(Files& files, const std::string& root, std::int64_t growth) {
  std::vector<InstanceFiles> all;
  for (std::uint32_t k = 0; k < kInstances; ++k) {
    Instance instance(files, root, k, kInstances);
    StateTable& table = instance.store.table(totals_spec());
    for (const std::int64_t more : {std::int64_t{0}, growth}) {
      for (int host = 0; host < kHosts; ++host) {
        for (std::int64_t minute = 0; owns(k, host_name(host)) && minute < kMinutes; ++minute)
          put(table, host_name(host), minute, host + minute + more);
      }
      if (more == 0) {
        take(instance.writer.write(instance.store.capture(Epoch(1))));
        instance.store.completed(Epoch(1));
      }
    }
    if (const Row gone = table.find({std::string_view("host7"), std::int64_t{0}}); gone) table.erase(gone);
    all.push_back(take(instance.writer.write(instance.store.capture(Epoch(2)))));
  }
  return index_of(Epoch(2), kInstances, all);
}

struct Snapshot {
  explicit Snapshot(std::int64_t growth = 10) : index(written(files, dir.path(), growth)) {}
  std::unique_ptr<StateView> checkpoint() { return take(StateView::open(index, dir / "checkpoints")); }
  std::unique_ptr<StateView> savepoint(bool single) {
    const std::string target = dir / (single ? "one.sqlite" : "folder");
    const CheckpointIndex made = take(build_savepoint(
        files,
        {.index = index, .checkpoints = dir / "checkpoints", .target = target, .label = "", .single_file = single}));
    return take(StateView::open(take(load_savepoint(target)), savepoint_folder(target)));
  }
  FastFiles files;
  TempDir dir;
  CheckpointIndex index;
};

// Rows as texts, columns divided by bars.
std::vector<std::string> ask(StateView& view, const std::string& sql) {
  const auto query = take(StateQuery::start(view, sql));
  std::vector<std::string> rows;
  while (take(query->next())) {
    std::string text;
    for (std::size_t i = 0; i < query->columns().size(); ++i) {
      text += i == 0 ? "" : "|";
      switch (query->kind(i)) {
        case SqlKind::kNull: text += "-"; break;
        case SqlKind::kInteger: text += std::to_string(query->integer(i)); break;
        case SqlKind::kReal: text += std::to_string(query->real(i)).substr(0, 4); break;
        default: text += query->bytes(i);
      }
    }
    rows.push_back(text);
  }
  return rows;
}

std::string refusal(StateView& view, const std::string& sql) {
  const auto query = StateQuery::start(view, sql);
  return query.ok() ? "" : query.status().what();
}

using Texts = std::vector<std::string>;

class Collected final : public DifferenceVisitor {
 public:
  bool wants(const ViewedTable& table) override { return !table.internal; }
  Status note(const ViewedTable& table, const std::string& what) override {
    ++seen["! " + table.name + " " + what];
    return {};
  }
  Status removed(const ViewedTable&, Place) override {
    ++seen["-"];
    return {};
  }
  Status added(const ViewedTable&, Place) override {
    ++seen["+"];
    return {};
  }
  Status changed(const ViewedTable&, Place, const ViewedTable&, Place, std::span<const std::size_t> columns) override {
    ++seen["~ " + std::to_string(columns.size())];
    return {};
  }
  std::map<std::string, int> seen;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(workbench)

BOOST_AUTO_TEST_CASE(a_query_sees_one_table_whatever_wrote_it) {
  Snapshot snapshot;
  std::unique_ptr<StateView> views[] = {snapshot.checkpoint(), snapshot.savepoint(false), snapshot.savepoint(true)};
  for (auto& view : views) {
    BOOST_TEST(ask(*view, "select count(*), count(distinct host), sum(n) from totals") == Texts{"199|40|6283"},
               boost::test_tools::per_element());
    BOOST_TEST(ask(*view, "select * from totals where host = 'host3' and minute = 1") ==
                   Texts{"host3|1|14|14.50|2023-11-14T22:13:20.000000Z|0|3.50"},
               boost::test_tools::per_element());
    BOOST_TEST(ask(*view, "select seen, ok from \"totals.totals\" where host = 'host2' and n = 15") == Texts{"-|1"},
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(keys_that_place_a_row_are_found_whatever_form_they_are_given_in) {
  Snapshot snapshot;
  const auto view = snapshot.checkpoint();
  for (int host = 0; host < kHosts; ++host) {
    const std::string wanted = std::to_string(host == 7 ? kMinutes - 1 : kMinutes);
    BOOST_TEST(ask(*view, "select count(*) from totals where host = '" + host_name(host) + "'") == Texts{wanted},
               boost::test_tools::per_element());
  }
  BOOST_TEST(ask(*view, "select count(*) from totals where host = x'686f737433'") == Texts{"0"},
             boost::test_tools::per_element());
  BOOST_TEST(ask(*view, "select count(*) from totals where host = null") == Texts{"0"},
             boost::test_tools::per_element());
  BOOST_TEST(ask(*view, "select count(*) from totals where host in ('host1', 'host2', 'none')") == Texts{"10"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_query_over_several_tables_is_one_over_copies) {
  Snapshot snapshot;
  const auto view = snapshot.checkpoint();
  BOOST_TEST(ask(*view, "select count(*) from totals a join totals b on a.host = b.host and a.minute = b.minute + 1") ==
                 Texts{"159"},
             boost::test_tools::per_element());
  BOOST_TEST(
      ask(*view,
          "select * from (select host from totals order by 1 limit 1) union all select min(minute) from totals") ==
          (Texts{"host0", "0"}),
      boost::test_tools::per_element());
  BOOST_TEST(
      ask(*view, "select count(distinct a._key_group) > 20 from totals a, totals b where a.n = b.n") == Texts{"1"},
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_query_only_reads) {
  Snapshot snapshot;
  const auto view = snapshot.checkpoint();
  for (const char* sql : {"delete from totals", "create table x(y)", "attach 'x.db' as y", "pragma user_version",
                          "drop table totals", "insert into totals values (1)", "vacuum"})
    BOOST_TEST(!refusal(*view, sql).empty(), sql);
  BOOST_TEST(refusal(*view, "pragma page_size") == "a query of state reads: SELECT, WITH or VALUES");
  BOOST_TEST(refusal(*view, "select 1; select 2") == "one statement at a time: there is more behind the first ';'");
  BOOST_TEST(refusal(*view, "select 1;") == "");
  BOOST_TEST(refusal(*view, " ") == "the query is empty");
  BOOST_TEST(refusal(*view, "select * from total") == "there is no state table 'total'; did you mean 'totals'?");
  BOOST_TEST(refusal(*view, "select hots from totals") == "no such column: hots");
  BOOST_TEST(!take(StateQuery::start(*view, "select load_extension('x')"))->next().ok());
}

BOOST_AUTO_TEST_CASE(figures_are_those_of_all_rows) {
  Snapshot snapshot;
  const auto view = snapshot.savepoint(false);
  const TableFigures figures = take(figures_of(*view, 0, 2));
  BOOST_TEST(figures.all.rows == 199U);
  std::uint64_t in_groups = 0;
  for (const RowFigures& group : figures.by_group) in_groups += group.rows;
  BOOST_TEST(in_groups == 199U);
  std::uint64_t in_instances = 0;
  for (const RowFigures& instance : figures.by_instance(kInstances)) in_instances += instance.rows;
  BOOST_TEST(in_instances == 199U);
  BOOST_REQUIRE(figures.largest.size() == 2U);
  BOOST_TEST(figures.largest[0].text == "host=host10");  // one byte more a row than host0, and first of its length
  BOOST_TEST(figures.largest[0].figures.rows == std::uint64_t{kMinutes});
}

BOOST_AUTO_TEST_CASE(differences_are_rows_by_key) {
  Snapshot before(10);
  Snapshot after(11);
  const auto a = before.checkpoint();
  const auto b = after.savepoint(true);
  Collected same;
  require_ok(diff_states(*a, *before.savepoint(false), same));
  BOOST_TEST(same.seen.empty());
  Collected found;
  require_ok(diff_states(*a, *b, found));
  int changed = 0;
  for (const auto& [kind, count] : found.seen) changed += kind.starts_with("~") ? count : 1000;
  BOOST_TEST(changed == 199);
}

BOOST_AUTO_TEST_CASE(rows_and_columns_of_one_side_are_told) {
  FastFiles files;
  const auto made = [&](const TempDir& dir, bool other) {
    Instance instance(files, dir.path(), 0, 1);
    TableSpec spec;
    spec.name = "t";
    spec.key = {{"k", kBigint}};
    spec.value = {{"same", kBigint}, {other ? "new" : "old", kBigint}};
    StateTable& table = instance.store.table(spec);
    for (std::int64_t k = other ? 1 : 0; k < (other ? 4 : 3); ++k) table.upsert({k});
    TableSpec own = spec;
    own.name = other ? "b" : "a";
    instance.store.table(own);
    return take(StateView::open(index_of(Epoch(1), 1, {take(instance.writer.write(instance.store.capture(Epoch(1))))}),
                                dir / "checkpoints"));
  };
  const TempDir first;
  const TempDir second;
  Collected found;
  require_ok(diff_states(*made(first, false), *made(second, true), found));
  const std::map<std::string, int> wanted = {{"! a is only in A", 1},
                                             {"! b is only in B", 1},
                                             {"! t column 'new' is only in B", 1},
                                             {"! t column 'old' is only in A", 1},
                                             {"+", 1},
                                             {"-", 1}};
  BOOST_TEST((found.seen == wanted));
}

BOOST_AUTO_TEST_SUITE_END()
