#include "tests/unit/aggregate/model.h"

using namespace stream;
using namespace stream::test;

namespace {

std::string key_of(const Record& r, const std::vector<std::string>& by) {
  std::string key;
  for (const std::string& column : by) key += (column == "k" ? shown(r.k) : shown(r.s)) + "|";
  return key;
}

std::set<std::string> rows_of(const std::map<std::string, Group>& groups, std::string (*compute)(const Group&)) {
  std::set<std::string> rows;
  for (const auto& [key, group] : groups) {
    if (!group.empty()) rows.insert(key + compute(group));
  }
  return rows;
}

void run_appending(std::uint64_t seed, const std::vector<std::string>& by, const std::string& emit) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << by.size() << " columns, " << emit) {
    RandomRecords random(seed, seed % 2 == 0);
    Options options{.compute = kEverything, .by = by};
    options.emit = emit;
    Running running(options, record_schema());
    std::map<std::string, Group> groups;
    Gather out;
    for (int round = 0; round < 25; ++round) {
      std::vector<Record> records;
      for (std::uint64_t i = random.below(60); i > 0; --i) {
        records.push_back(random.next());
        groups[key_of(records.back(), by)].push_back(records.back());
      }
      running.batch(batch_of(running.input(), records), out);
      if (emit == "updates")
        BOOST_REQUIRE(out.rows == rows_of(groups, everything_of));
      else
        BOOST_REQUIRE(out.log.empty());
    }
    running.end(out);
    BOOST_TEST(out.rows == rows_of(groups, everything_of), boost::test_tools::per_element());
    BOOST_TEST(out.bad.empty());
  }
}

void run_changing(std::uint64_t seed, const std::vector<std::string>& by, const std::string& emit) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << by.size() << " columns, " << emit) {
    RandomRecords random(seed, true);
    Options options{.compute = kRetractable, .by = by};
    options.emit = emit;
    Running running(options, record_schema(Changelog::kUpdates));
    std::map<std::string, Group> groups;
    Gather out;
    for (int round = 0; round < 60; ++round) {
      std::vector<Record> records;
      for (std::uint64_t i = random.below(30); i > 0; --i) {
        Record r = random.next();
        Group& group = groups[key_of(r, by)];
        if (random.below(2) == 0 && !group.empty()) {
          r = group.back();
          r.kind = random.below(2) == 0 ? RowKind::kDelete : RowKind::kUpdateBefore;
          group.pop_back();
        } else {
          group.push_back(r);
        }
        records.push_back(r);
      }
      running.batch(batch_of(running.input(), records), out);
      if (emit == "updates") BOOST_REQUIRE(out.rows == rows_of(groups, retractable_of));
    }
    std::size_t left = 0;
    for (const auto& [key, group] : groups) left += group.empty() ? 0 : 1;
    BOOST_TEST(running.store().rows() == left);
    running.end(out);
    BOOST_TEST(out.rows == rows_of(groups, retractable_of), boost::test_tools::per_element());
  }
}

std::string shared_of(const Group& group) {
  std::set<std::int64_t> all;
  std::set<std::int64_t> with;
  std::set<std::int64_t> without;
  std::size_t rows = 0;
  std::int64_t sum = 0;
  for (const Record& r : group) {
    rows += r.f == true ? 1 : 0;
    if (!r.v) continue;
    all.insert(*r.v);
    if (r.f.has_value()) (*r.f ? with : without).insert(*r.v);
  }
  for (const std::int64_t v : all) sum += v;
  std::string out;
  for (const std::size_t n : {with.size(), without.size(), all.size(), with.size()}) out += std::to_string(n) + "|";
  return out + (all.empty() ? "NULL" : std::to_string(sum)) + "|" + std::to_string(rows);
}

Batch bigints(const SchemaPtr& schema, const std::vector<std::int64_t>& values) {
  std::vector<Record> records(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) records[i].k = 1, records[i].v = values[i];
  return batch_of(schema, records);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(groups)

BOOST_AUTO_TEST_CASE(updates_applied_to_a_map_equal_the_model_after_every_batch) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const auto& by : std::vector<std::vector<std::string>>{{"k"}, {"s"}, {"k", "s"}, {}})
      run_appending(seed, by, "updates");
  }
}

BOOST_AUTO_TEST_CASE(final_gives_every_group_once_at_the_end) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const auto& by : std::vector<std::vector<std::string>>{{"k"}, {"s"}, {"k", "s"}, {}})
      run_appending(seed, by, "final");
  }
}

BOOST_AUTO_TEST_CASE(rows_taken_back_are_as_if_they_had_never_come) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (const auto& by : std::vector<std::vector<std::string>>{{"k"}, {"k", "s"}, {}}) {
      run_changing(seed, by, "updates");
      run_changing(seed, by, "final");
    }
  }
}

BOOST_AUTO_TEST_CASE(many_groups_are_emitted_in_pieces) {
  Options options{.compute = "sum(v)", .by = {"v"}};
  options.emit = "final";
  Running running(options, record_schema());
  std::vector<std::int64_t> values(20'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i);
  Gather out;
  running.batch(bigints(running.input(), values), out);
  running.end(out);
  BOOST_TEST(out.rows.size() == 20'000);
  BOOST_TEST(out.batches > 1);
}

BOOST_AUTO_TEST_CASE(a_row_that_makes_a_sum_too_large_changes_nothing) {
  constexpr std::int64_t kMax = INT64_MAX;
  Options options{.compute = "sum(v), count(*), max(v), count(distinct v) as different", .by = {"k"}};
  Running running(options, record_schema());
  Gather out;
  running.batch(bigints(running.input(), {kMax - 1, 5, 1, 7, -10}), out);
  BOOST_TEST(out.bad == std::vector<std::string>({"bigint out of range", "bigint out of range"}),
             boost::test_tools::per_element());
  BOOST_TEST(*out.rows.begin() == "1|" + std::to_string(kMax - 10) + "|3|" + std::to_string(kMax - 1) + "|3");
}

// Each counts a value when it has not counted it, whoever else has.
BOOST_AUTO_TEST_CASE(calls_over_one_argument_count_for_themselves) {
  for (const auto& by : std::vector<std::vector<std::string>>{{"k"}, {"s", "k"}, {}}) {
    Options options{.compute =
                        "count(distinct v) filter (where f) as a, count(distinct v) filter (where not f) as b, "
                        "count(distinct v) as c, count(distinct v) filter (where f) as d, sum(distinct v) as e, "
                        "count(*) filter (where f) as g",
                    .by = by};
    Running running(options, record_schema());
    RandomRecords random(by.size(), false);
    std::map<std::string, Group> groups;
    Gather out;
    for (int round = 0; round < 30; ++round) {
      std::vector<Record> records;
      for (std::uint64_t i = random.below(40); i > 0; --i) {
        records.push_back(random.next());
        groups[key_of(records.back(), by)].push_back(records.back());
      }
      running.batch(batch_of(running.input(), records), out);
      BOOST_REQUIRE(out.rows == rows_of(groups, shared_of));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_calls_have_counted_is_forgotten_with_a_sum_that_is_too_large) {
  Options options{
      .compute = "sum(distinct v) as s, count(distinct v) as c, count(distinct v) filter (where v > 2) as d",
      .by = {"k"}};
  Running running(options, record_schema());
  Gather out;
  running.batch(bigints(running.input(), {1, 5}), out);
  running.batch(bigints(running.input(), {INT64_MAX, 5, 7, 1}), out);
  BOOST_TEST(out.bad.size() == 1);
  BOOST_TEST(*out.rows.begin() == "1|13|3|2");
  running.batch(bigints(running.input(), {INT64_MAX - 13, 7}), out);
  BOOST_TEST(*out.rows.begin() == "1|" + std::to_string(INT64_MAX) + "|4|3");
}

BOOST_AUTO_TEST_CASE(a_group_of_which_every_row_is_bad_is_not_there) {
  Options options{.compute = "sum(9223372036854775807 / v) as s", .by = {"k"}};
  Running running(options, record_schema());
  Gather out;
  running.batch(bigints(running.input(), {0}), out);
  BOOST_TEST(out.bad == std::vector<std::string>({"division by zero"}), boost::test_tools::per_element());
  BOOST_TEST(out.rows.empty());
  BOOST_TEST(running.store().rows() == 0);
}

BOOST_AUTO_TEST_CASE(the_argument_of_a_row_the_filter_drops_is_not_asked_for) {
  Options options{.compute = "sum(10 / v) filter (where v <> 0) as s", .by = {"k"}};
  Running running(options, record_schema());
  Gather out;
  running.batch(bigints(running.input(), {0, 5, 2}), out);
  BOOST_TEST(out.bad.empty());
  BOOST_TEST(*out.rows.begin() == "1|7");
}

BOOST_AUTO_TEST_CASE(a_result_that_cannot_be_computed_is_taken_back_and_comes_again) {
  Options options{.compute = "100 / sum(v) as q", .by = {"k"}};
  Running running(options, record_schema());
  Gather out;
  running.batch(bigints(running.input(), {5}), out);
  running.batch(bigints(running.input(), {-5}), out);
  BOOST_TEST(out.rows.empty());
  BOOST_TEST(out.bad == std::vector<std::string>({"division by zero"}), boost::test_tools::per_element());
  running.batch(bigints(running.input(), {4}), out);
  BOOST_TEST(out.log == std::vector<std::string>({"+1|20", "-1|20", "+1|25"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_has_one_count_of_zero_at_the_end) {
  Options options{.compute = "count(*), sum(v), avg(v), max(s)"};
  options.emit = "final";
  Running running(options, record_schema());
  Gather out;
  running.end(out);
  BOOST_TEST(out.log == std::vector<std::string>({"+0|NULL|NULL|NULL"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
