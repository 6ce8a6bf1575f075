// Variances, lists, quantiles, sketches and the rest, against a model that looks at all rows.
#include "stages/aggregate/quantiles.h"
#include "tests/unit/aggregate/rich_model.h"

using namespace stream;
using namespace stream::test;

namespace {

const std::string kAll = std::string(kRich) + ", " + kRichAppending;

std::string all_of(const Group& group) { return rich_of(group) + "|" + rich_appending_of(group); }

std::set<std::string> rows_of(const std::map<std::string, Group>& groups, std::string (*compute)(const Group&)) {
  std::set<std::string> rows;
  for (const auto& [key, group] : groups) {
    if (!group.empty()) rows.insert(key + compute(group));
  }
  return rows;
}

void run_appending(std::uint64_t seed, bool by) {
  BOOST_TEST_CONTEXT("seed " << seed << (by ? " by k" : " of all")) {
    RandomRecords random(seed, seed % 2 == 0);
    Options options{.compute = kAll, .by = {}};
    if (by) options.by = {"k"};
    Running running(options, record_schema());
    std::map<std::string, Group> groups;
    Gather out;
    for (int round = 0; round < 15; ++round) {
      std::vector<Record> records;
      for (std::uint64_t i = random.below(40); i > 0; --i) {
        records.push_back(random.next());
        records.back().ts = static_cast<Microseconds>(random.below(50));
        groups[by ? shown(records.back().k) + "|" : ""].push_back(records.back());
      }
      running.batch(batch_of(running.input(), records), out);
      BOOST_TEST(out.rows == rows_of(groups, all_of), boost::test_tools::per_element());
    }
    BOOST_TEST(out.bad.empty());
  }
}

void run_changing(std::uint64_t seed, bool by) {
  BOOST_TEST_CONTEXT("seed " << seed << (by ? " by k" : " of all")) {
    RandomRecords random(seed, true);
    Options options{.compute = kRich, .by = {}};
    if (by) options.by = {"k"};
    Running running(options, record_schema(Changelog::kUpdates));
    std::map<std::string, Group> groups;
    Gather out;
    for (int round = 0; round < 40; ++round) {
      std::vector<Record> records;
      const std::uint64_t shrinks = round > 30 ? 8 : 4;
      for (std::uint64_t i = random.below(30); i > 0; --i) {
        Record r = random.next();
        r.ts = static_cast<Microseconds>(random.below(50));
        Group& group = groups[by ? shown(r.k) + "|" : ""];
        if (random.below(10) < shrinks && !group.empty()) {
          const auto at = group.begin() + static_cast<std::ptrdiff_t>(random.below(group.size()));
          r = *at;
          r.kind = random.below(2) == 0 ? RowKind::kDelete : RowKind::kUpdateBefore;
          group.erase(at);
        } else {
          group.push_back(r);
        }
        records.push_back(r);
      }
      running.batch(batch_of(running.input(), records), out);
      BOOST_TEST(out.rows == rows_of(groups, rich_of), boost::test_tools::per_element());
    }
    std::vector<Record> rest;
    for (auto& [key, group] : groups) {
      for (Record r : group) {
        r.kind = RowKind::kDelete;
        rest.push_back(r);
      }
    }
    running.batch(batch_of(running.input(), rest), out);
    BOOST_TEST(out.rows.empty());
    BOOST_TEST(running.store().rows() == 0);
  }
}

Options rich(const std::string& window, const std::string& compute = kAll) {
  Options options{.compute = compute, .by = {"k"}};
  options.window = window;
  return options;
}

std::vector<std::string> results(const std::string& compute, const std::vector<Record>& records, Gather& out,
                                 Changelog changelog = Changelog::kAppend) {
  Schema schema = record_schema(changelog);
  schema.time.reset();
  Running running({.compute = compute, .by = {"k"}}, schema);
  running.batch(batch_of(running.input(), records), out);
  return {out.rows.begin(), out.rows.end()};
}

Record text(const std::string& s) {
  Record r;
  r.k = 1;
  r.s = s;
  return r;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rich_results)

BOOST_AUTO_TEST_CASE(updates_equal_the_model_after_every_batch) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    run_appending(seed, true);
    run_appending(seed, false);
  }
}

BOOST_AUTO_TEST_CASE(rows_taken_back_are_as_if_they_had_never_come) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    run_changing(seed, true);
    run_changing(seed, false);
  }
}

BOOST_AUTO_TEST_CASE(a_run_restored_anywhere_with_any_parallelism_gives_what_an_undisturbed_one_gives) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    run_replay(seed, rich(""), false);
    for (const char* window : {"tumble 10s", "hop 12s every 4s", "cumulate 12s every 4s", "session 4s"})
      run_replay(seed, rich(window), true);
    Options late = rich("hop 12s every 4s");
    late.lateness = "10s";
    run_replay(seed, late, true);
  }
}

BOOST_AUTO_TEST_CASE(windows_of_slices_equal_the_model) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Running running(rich("hop 12s every 4s"), record_schema());
    Gather out;
    std::map<std::pair<Microseconds, std::string>, Group> windows;
    RandomRecords random(seed, true);
    std::vector<Record> records;
    for (int i = 0; i < 400; ++i) {
      records.push_back(random.next());
      records.back().ts = static_cast<Microseconds>(random.below(60)) * kSecond;
      const Microseconds slice = records.back().ts / (4 * kSecond) * 4 * kSecond;
      for (Microseconds start = slice - 8 * kSecond; start <= slice; start += 4 * kSecond)
        windows[{start, shown(records.back().k)}].push_back(records.back());
    }
    running.batch(batch_of(running.input(), records), out);
    running.end(out);
    std::set<std::string> expected;
    for (const auto& [key, group] : windows)
      expected.insert(key.second + "|" + std::to_string(key.first) + "|" + std::to_string(key.first + 12 * kSecond) +
                      "|" + all_of(group));
    BOOST_TEST(out.rows == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(windows_of_rows_that_change_equal_those_of_the_rows_that_stayed) {
  for (const char* window : {"tumble 10s", "hop 12s every 4s"}) {
    Running changing(rich(window, kRich), record_schema(Changelog::kUpdates));
    Running still(rich(window, kRich), record_schema());
    Gather out;
    Gather expected;
    RandomRecords random(5, true);
    std::vector<Record> stay;
    std::vector<Record> all;
    for (int i = 0; i < 500; ++i) {
      Record r = random.next();
      r.ts = static_cast<Microseconds>(random.below(60)) * kSecond;
      all.push_back(r);
      if (random.below(2) == 0) {
        stay.push_back(r);
        continue;
      }
      r.kind = RowKind::kDelete;
      all.push_back(r);
    }
    for (std::size_t i = 0; i < all.size(); i += 7)
      changing.batch(
          batch_of(changing.input(), {all.begin() + static_cast<std::ptrdiff_t>(i),
                                      all.begin() + static_cast<std::ptrdiff_t>(std::min(i + 7, all.size()))}),
          out);
    still.batch(batch_of(still.input(), stay), expected);
    changing.end(out);
    still.end(expected);
    BOOST_TEST(out.rows == expected.rows, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(without_event_time_lists_first_and_last_go_by_arrival) {
  Gather out;
  BOOST_TEST(results("string_agg(s, ',') as l, array_agg(s) as j, first(s) as f, last(s) as t",
                     {text("b"), text("a"), text("c"), text("a\"")},
                     out) == std::vector<std::string>({"1|b,a,c,a\"|[\"b\",\"a\",\"c\",\"a\\\"\"]|b|a\""}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(where_rows_without_a_time_change_lists_are_in_the_order_of_their_values) {
  Gather out;
  Record gone = text("b");
  gone.kind = RowKind::kDelete;
  BOOST_TEST(results("string_agg(s, ',') as l", {text("b"), text("c"), text("a"), text("a"), gone}, out,
                     Changelog::kUpdates) == std::vector<std::string>({"1|a,a,c"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_row_that_makes_a_list_too_long_is_bad_and_changes_nothing) {
  Gather out;
  const std::string half(600'000, 'x');
  const auto rows = results("string_agg(s, ',') as l, count(*) as n, variance(v) as v, count(distinct s) as d",
                            {text("a"), text(half), text(half + "y"), text("b")}, out);
  BOOST_TEST(rows == std::vector<std::string>({"1|a," + half + ",b|3|NULL|3"}));
  BOOST_TEST(out.bad == std::vector<std::string>({"a list of more than 1 MiB"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_of_an_object_that_is_null_is_bad) {
  Gather out;
  Record none;
  none.k = 1;
  BOOST_TEST(
      results("json_object_agg(s, v) as o", {text("a"), none}, out) == std::vector<std::string>({"1|{\"a\":null}"}),
      boost::test_tools::per_element());
  BOOST_TEST(out.bad == std::vector<std::string>({"a key of json_object_agg() is NULL"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_variance_of_large_numbers_is_exact) {
  Gather out;
  std::vector<Record> records;
  for (const std::int64_t v : {INT64_MAX - 2, INT64_MAX - 1, INT64_MAX}) {
    records.push_back(text(""));
    records.back().v = v;
  }
  BOOST_TEST(results("variance(v) as v, stddev_pop(-v) as s", records, out) ==
                 std::vector<std::string>({"1|1.000000|0.816497"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_taken_back_is_refused) {
  const Schema schema = record_schema(Changelog::kUpdates);
  for (const char* call : {"first(v)", "last(s)", "approx_count_distinct(s)", "any_value(f)"}) {
    const Options options{.compute = std::string(call) + " as x", .by = {"k"}};
    const Values values = options.values();
    const PlanAnswer answer = plan_aggregate({values, {{"in", schema}}, "/", 1, "per-key"});
    BOOST_REQUIRE(answer.errors.size() == 1);
    BOOST_TEST(answer.errors[0].message ==
               std::string(call) + " cannot be kept where rows are taken back: the input's rows may change");
  }
}

BOOST_AUTO_TEST_SUITE_END()
