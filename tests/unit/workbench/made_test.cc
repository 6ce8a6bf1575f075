// Savepoints made of others or of nothing: what is given, merged and split, and live rows.
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <map>

#include "snapshot/given_text.h"
#include "snapshot/outbox.h"
#include "snapshot/point_lookup.h"
#include "snapshot/sql_value.h"
#include "snapshot/workbench/state_bootstrap.h"
#include "snapshot/workbench/state_merge.h"
#include "snapshot/workbench/state_query.h"
#include "snapshot/workbench/state_split.h"
#include "tests/support/snapshot_fixture.h"

#include <nlohmann/json.hpp>

using namespace stream;

namespace {

std::string as(Type type, const std::string& text) {
  ColumnBuilder column(type);
  return append_text(text, column) ? value_text(column.finish(), 0) : "-";
}

TableSpec spec_of(const std::string& name, Distribution distribution, std::vector<Field> key,
                  std::vector<Field> value) {
  TableSpec spec;
  spec.name = name;
  spec.distribution = distribution;
  spec.key = std::move(key);
  spec.value = std::move(value);
  return spec;
}

const std::vector<TableSpec>& specs() {
  static const std::vector<TableSpec> all = {
      spec_of("counts", Distribution::kKeyed, {{"host", kVarchar}}, {{"n", kBigint}}),
      spec_of("positions", Distribution::kSplit, {{"path", kVarchar}}, {{"offset", kBigint}}),
      spec_of("waiting", Distribution::kShared, {{"instance", kBigint}, {"number", kBigint}}, {{"row", kVarchar}}),
      spec_of("kit_progress", Distribution::kShared, {{"instance", kBigint}},
              {{"watermark", kBigint}, {"ended", kBoolean}}),
      spec_of("kit_splits", Distribution::kShared, {{"split", kBigint}}, {{"highest", kBigint}})};
  return all;
}

std::vector<ViewedTable> tables() {
  std::vector<ViewedTable> all;
  for (const TableSpec& spec : specs()) all.push_back({"totals", spec, "", spec.name.starts_with("kit_"), false});
  name_tables(all);
  return all;
}

CheckpointIndex index_with(std::uint32_t parallelism) {
  CheckpointIndex index;
  index.epoch = Epoch(7);
  index.savepoint = true;
  index.job = "job";
  index.run = std::string(32, '7');
  index.attempt = Attempt(1);
  index.plan = "{}";
  index.stages = {{"totals", parallelism}};
  for (std::uint32_t i = 0; i < parallelism; ++i) index.instances.push_back({"totals", i, {}, "{}"});
  return index;
}

// Rows as lists of texts; the instance that has them stands before those of tables that need one: "1: 0, 500, false".
using Rows = std::map<std::string, std::vector<std::string>>;

class Made {
 public:
  explicit Made(std::uint32_t parallelism = 2)
      : draft(take(StateDraft::make(index_with(parallelism), tables(), dir / "draft"))) {}

  void add(const std::string& table, const std::vector<std::string>& texts, std::uint32_t instance = 0) {
    const std::size_t number = *draft->find("totals", table);
    const Batch row = take(row_of_texts(specs()[number], nlohmann::json(texts), texts.size()));
    auto inserter = take(draft->insert_into(number));
    BOOST_TEST(take(inserter.add(row, 0, instance)));
  }

  std::unique_ptr<StateView> seal(const std::string& name, const DraftPart& part = {}) const {
    take(draft->seal(system_files(), draft->index(), dir / name, false, part));
    return take(StateView::open(take(load_savepoint(dir / name)), dir / name));
  }

  TempDir dir;
  std::unique_ptr<StateDraft> draft;
};

Rows rows_of(StateView& view) {
  Rows all;
  for (std::size_t i = 0; i < view.tables().size(); ++i) {
    const TableSpec& spec = view.tables()[i].spec;
    const auto read = [&](const Batch& rows, std::uint32_t instance) -> Status {
      for (std::size_t row = 0; row < rows.rows; ++row) {
        std::string text = by_instance(spec) ? std::to_string(instance) + ": " : "";
        for (std::size_t column = 0; column < rows.columns.size(); ++column)
          text += (column == 0 ? "" : ", ") + value_text(rows.columns[column], row);
        all[spec.name].push_back(text);
      }
      return {};
    };
    require_ok(for_each_row_set(view, i, read));
    std::ranges::sort(all[spec.name]);
  }
  return all;
}

void fill_first(Made& made) {
  made.add("counts", {"a", "1"});
  made.add("counts", {"b", "2"});
  made.add("positions", {"x.ndjson", "500"});
  made.add("waiting", {"0", "1", "row of a"}, 0);
  made.add("kit_progress", {"0", "100", "true"}, 0);
  made.add("kit_progress", {"1", "200", "false"}, 1);
  made.add("kit_splits", {"9", "100"}, 1);
}

void fill_second(Made& made) {
  made.add("counts", {"c", "3"});
  made.add("positions", {"y.ndjson", "700"});
  made.add("waiting", {"1", "1", "row of b"}, 1);
  made.add("kit_progress", {"0", "150", "true"}, 0);
  made.add("kit_progress", {"1", "90", "true"}, 1);
  made.add("kit_splits", {"9", "80"}, 1);
  made.add("kit_splits", {"8", "50"}, 0);
}

MergeReport merge(Made& first, StateView& second, OnConflict on_conflict = OnConflict::kFail) {
  return take(merge_into(*first.draft, index_with(2), second, on_conflict));
}

std::string bootstrap_error(const std::string& text) {
  const Made made;
  std::ofstream(made.dir / "rows") << text;
  const auto rows = open_given_rows(made.dir / "rows", "counts");
  if (!rows.ok()) return rows.status().what();
  return bootstrap(*made.draft, 0, **rows).status().what();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(made)

BOOST_AUTO_TEST_CASE(values_are_taken_as_people_write_them) {
  BOOST_TEST(as(kBigint, "+7") == "7");
  BOOST_TEST(as(kBigint, "7.0") == "-");
  BOOST_TEST(as(kBigint, "9223372036854775808") == "-");
  BOOST_TEST(as(kBigint, "") == "-");
  BOOST_TEST(as(kBoolean, "t") == "true");
  BOOST_TEST(as(kBoolean, "yes") == "-");
  BOOST_TEST(as(decimal_type(5, 2), "12") == "12.00");
  BOOST_TEST(as(decimal_type(5, 2), "-12.5") == "-12.50");
  BOOST_TEST(as(decimal_type(5, 2), "12.500") == "12.50");
  BOOST_TEST(as(decimal_type(5, 2), "12.505") == "-");
  BOOST_TEST(as(decimal_type(5, 2), "1000") == "-");
  BOOST_TEST(as(decimal_type(5, 0), "12.0") == "12");
  BOOST_TEST(as(kTimestamp, "2024-01-31") == "2024-01-31T00:00:00.000000Z");
  BOOST_TEST(as(kTimestamp, "2024-01-31 12:30") == "2024-01-31T12:30:00.000000Z");
  BOOST_TEST(as(kTimestamp, "2024-01-31T12:30:05.123456000Z") == "2024-01-31T12:30:05.123456Z");
  BOOST_TEST(as(kTimestamp, "2024-01-31T12:30:05.1234567Z") == "-");
  BOOST_TEST(as(kTimestamp, "2024-01-31T00:30-01:30") == "2024-01-31T02:00:00.000000Z");
  BOOST_TEST(as(kTimestamp, "2024-01-31T00:30+02") == "2024-01-30T22:30:00.000000Z");
  BOOST_TEST(as(kTimestamp, "2024-01-31T25") == "-");
  BOOST_TEST(as(kJson, "{\"a\": 1}") == "{\"a\": 1}");
  BOOST_TEST(as(kJson, "{a: 1}") == "-");
  BOOST_TEST(as(kBlob, "00Ff") == "00ff");
  BOOST_TEST(as(kBlob, "0") == "-");
  BOOST_TEST(as(kBlob, "0g") == "-");
}

BOOST_AUTO_TEST_CASE(rows_are_found_by_what_a_file_holds) {
  BOOST_TEST(bootstrap_error("host,n\r\n\"a, \"\"b\"\"\",1\r\n\r\n,2\r\n\"\",3\r\n") == "");
  BOOST_TEST(bootstrap_error("{\"host\": \"a\", \"n\": 1}\n\n{\"host\": null, \"n\": 2}\n") == "");
  BOOST_TEST(bootstrap_error("host,n\n,1\n,2\n") ==
             "rows:3: a row of 'counts' with the key host=NULL was there before");
  BOOST_TEST(bootstrap_error("host,n\na\n") == "rows:2: 1 fields under a header of 2");
  BOOST_TEST(bootstrap_error("host,n\n\"a\"b,1\n") == "rows:2: something stands behind a closing quote");
  BOOST_TEST(bootstrap_error("{\"host\": \"a\"}\n") ==
             "rows:1: there is no 'n', which state table 'counts' needs as BIGINT");
  BOOST_TEST(bootstrap_error("{\"host\": \"a\", \"n\": [1]}\n") ==
             "rows:1: column 'n' is BIGINT and cannot hold '[1]'");
}

BOOST_AUTO_TEST_CASE(a_merge_keeps_what_each_has_and_the_lowest_event_time) {
  Made first;
  fill_first(first);
  Made other;
  fill_second(other);
  const auto second = other.seal("second");
  const MergeReport report = merge(first, *second);
  BOOST_TEST(report.conflicts == 0U);
  const Rows wanted = {{"counts", {"a, 1", "b, 2", "c, 3"}},
                       {"positions", {"x.ndjson, 500", "y.ndjson, 700"}},
                       {"waiting", {"0: 0, 1, row of a", "1: 1, 1, row of b"}},
                       {"kit_progress", {"0: 0, 100, true", "1: 1, 90, false"}},
                       {"kit_splits", {"0: 8, 50", "1: 9, 80"}}};
  const auto merged = first.seal("merged");
  BOOST_TEST((rows_of(*merged) == wanted));
}

BOOST_AUTO_TEST_CASE(a_key_of_both_is_a_conflict_and_a_position_only_if_it_differs) {
  Made other;
  other.add("counts", {"a", "1"});
  other.add("positions", {"x.ndjson", "500"});
  const auto same = other.seal("same");
  Made first;
  fill_first(first);
  const Rows before = rows_of(*first.seal("before"));
  const MergeReport refused = merge(first, *same);
  BOOST_TEST(refused.conflicts == 1U);
  BOOST_TEST((refused.shown == std::vector<std::string>{"counts: host=a"}));
  BOOST_TEST((rows_of(*first.seal("after")) == before));

  Made ahead;
  ahead.add("counts", {"a", "10"});
  ahead.add("positions", {"x.ndjson", "600"});
  const auto view = ahead.seal("ahead");
  Made kept;
  fill_first(kept);
  BOOST_TEST(merge(kept, *view, OnConflict::kFirst).conflicts == 2U);
  BOOST_TEST(rows_of(*kept.seal("kept"))["counts"][0] == "a, 1");
  Made replaced;
  fill_first(replaced);
  BOOST_TEST(merge(replaced, *view, OnConflict::kLast).conflicts == 2U);
  const Rows last = rows_of(*replaced.seal("replaced"));
  BOOST_TEST(last.at("counts")[0] == "a, 10");
  BOOST_TEST(last.at("positions")[0] == "x.ndjson, 600");
}

BOOST_AUTO_TEST_CASE(an_instance_that_has_told_nothing_has_reached_nothing) {
  Made other;
  other.add("kit_progress", {"1", "300", "false"}, 1);
  const auto view = other.seal("other");
  Made first;
  fill_first(first);
  merge(first, *view);
  BOOST_TEST(rows_of(*first.seal("merged"))["kit_progress"].empty());

  Made wider(3);
  for (const char* instance : {"0", "1", "2"}) wider.add("kit_progress", {instance, "60", "false"}, 0);
  const auto of_three = wider.seal("wider");
  Made again;
  fill_first(again);
  merge(again, *of_three);
  const Rows rows = rows_of(*again.seal("merged"));
  BOOST_TEST((rows.at("kit_progress") == std::vector<std::string>{"0: 0, 60, false", "1: 1, 60, false"}));
}

BOOST_AUTO_TEST_CASE(parts_have_their_keys_and_what_is_of_none) {
  Made whole;
  fill_first(whole);
  whole.add("counts", {"c", "3"});
  const auto parts = take(split_parts(*whole.draft, {2, {"host = 'a' or host is null"}, {}}));
  const Rows one = rows_of(*whole.seal("one", parts[0]));
  const Rows two = rows_of(*whole.seal("two", parts[1]));
  BOOST_TEST((one.at("counts") == std::vector<std::string>{"a, 1"}));
  BOOST_TEST((two.at("counts") == std::vector<std::string>{"b, 2", "c, 3"}));
  for (const char* table : {"positions", "kit_progress", "kit_splits"}) BOOST_TEST((one.at(table) == two.at(table)));
  BOOST_TEST(one.at("waiting").size() == 1U);
  BOOST_TEST(two.at("waiting").empty());
  const auto wrong = split_parts(*whole.draft, {2, {"n > 1"}, {}});
  BOOST_TEST(wrong.status().what() ==
             "'n > 1' needs 'n', but rows of 'counts' are placed by host; '--copy counts' "
             "gives the table to every part");
  BOOST_TEST(!split_parts(*whole.draft, {2, {"host in (select host from positions)"}, {}}).ok());
  BOOST_TEST(take(split_parts(*whole.draft, {2, {"n > 1"}, {"counts"}}))[1][0].empty());
}

BOOST_AUTO_TEST_CASE(shares_of_key_groups_are_disjoint_and_all) {
  Made whole;
  constexpr std::size_t kRows = 200;
  for (std::size_t i = 0; i < kRows; ++i) whole.add("counts", {"h" + std::to_string(i), "1"});
  std::size_t rows = 0;
  for (const DraftPart& part : take(split_parts(*whole.draft, {3, {}, {}}))) {
    const std::uint64_t count = take(whole.draft->count(0, part[0]));
    BOOST_TEST(count > 30U);
    rows += count;
  }
  BOOST_TEST(rows == kRows);
}

BOOST_AUTO_TEST_CASE(states_that_do_not_go_together_are_told_apart) {
  CheckpointIndex other = index_with(2);
  other.key_groups = 64;
  BOOST_TEST(merged_index(index_with(2), other).status().what().find("state reshard") != std::string::npos);
  other = index_with(2);
  other.drained = true;
  BOOST_TEST(!merged_index(index_with(2), other).ok());
  other = index_with(1);
  other.stages[0].name = other.instances[0].stage = "more";
  other.epoch = Epoch(9);
  const CheckpointIndex both = take(merged_index(index_with(2), other));
  BOOST_TEST(both.stages.size() == 2U);
  BOOST_TEST(both.instances.size() == 3U);
  BOOST_TEST(both.epoch.value() == 9U);
}

// --- live rows -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_query_of_live_rows_looks_up_keys) {
  StateTable counts(specs()[0], false);
  for (const char* host : {"a", "b"}) counts.set(counts.upsert({std::string_view(host)}).first, 1, std::int64_t{5});
  int asked = 0;
  const LiveState state{tables(), [&](const ViewedTable& table, const Batch& key) -> Result<std::optional<Batch>> {
                          ++asked;
                          BOOST_TEST(table.spec.name == "counts");
                          STREAM_ASSIGN(const std::string row, look_up(counts, texts_of_row(key, 0)));
                          if (row == "null") return std::optional<Batch>();
                          STREAM_ASSIGN(Batch batch, row_of_texts(specs()[0], nlohmann::json::parse(row), 2));
                          return std::optional<Batch>(std::move(batch));
                        }};
  const auto ask = [&](const std::string& sql) {
    std::string text;
    const auto query = StateQuery::start_live(state, sql);
    if (!query.ok()) return query.status().what();
    for (;;) {
      const auto row = (*query)->next();
      if (!row.ok()) return row.status().what();
      if (!*row) return text;
      text += std::string((*query)->bytes(0)) + ";";
    }
  };
  BOOST_TEST(ask("select host || n from counts where host = 'a'") == "a5;");
  BOOST_TEST(ask("select host || n from counts where host in ('b', 'c', 'a') and n = 5") == "a5;b5;");
  BOOST_TEST(asked == 4);
  BOOST_TEST(ask("select 1 from counts where host = null") == "");
  BOOST_TEST(asked == 4);
  BOOST_TEST(ask("select 1 from counts where host > 'a'").find("give each key column of a table with '='") !=
             std::string::npos);
  BOOST_TEST(ask("select 1 from counts where host = x'00'").find("never equals") != std::string::npos);
  BOOST_TEST(ask("select 1 from positions where path = 'x' and path = 'y' and 1 = 0") == "");
}

BOOST_AUTO_TEST_CASE(a_row_that_is_too_large_is_not_looked_up) {
  StateTable table(spec_of("t", Distribution::kKeyed, {{"k", kBigint}}, {{"text", kVarchar}}), false);
  table.set_bytes(table.upsert({std::int64_t{1}}).first, 1, std::string(kLookupBytesMax, 'x'));
  table.set_bytes(table.upsert({std::int64_t{2}}).first, 1, std::string(1000, 'x'));
  BOOST_TEST(look_up(table, nlohmann::json{"1"}).status().what().find("without --live") != std::string::npos);
  BOOST_TEST(look_up(table, nlohmann::json{"2"}).ok());
  BOOST_TEST(take(look_up(table, nlohmann::json{"3"})) == "null");
  BOOST_TEST(!look_up(table, nlohmann::json{"x"}).ok());
  BOOST_TEST(!look_up(table, nlohmann::json{1}).ok());
  BOOST_TEST(!look_up(table, nlohmann::json{"1", "2"}).ok());
  BOOST_TEST(!look_up(table, nlohmann::json()).ok());
}

BOOST_AUTO_TEST_SUITE_END()
