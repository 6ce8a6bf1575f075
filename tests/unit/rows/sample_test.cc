#include "stages/sample/sample.h"
#include "tests/unit/rows/support.h"

using namespace stream;
using namespace stream::test;

namespace {

Values options(const std::string& name, const std::string& value, std::vector<std::string> by = {}) {
  Values values;
  values.set("seed", std::string("0"));
  values.set(name, value);
  if (!by.empty()) values.set("by", std::move(by));
  return values;
}

Schema input_schema(Changelog changelog = Changelog::kAppend) {
  Schema schema = *parse_schema("k bigint, n bigint");
  schema.changelog = changelog;
  return schema;
}

// Rows (n % 100, n) for n in [begin, end).
Batch numbers(const SchemaPtr& schema, int begin, int end) {
  std::vector<TextRow> rows;
  for (int n = begin; n < end; ++n) rows.push_back({{std::to_string(n % 100), std::to_string(n)}});
  return batch_of(schema, rows);
}

// What is kept of [0, 1000) in two batches, with or without a restart between them.
std::multiset<std::string> kept(const Values& values, bool restart) {
  OperatorRig rig(plan_sample, Sample::make, values, {{"in", input_schema()}});
  Emitted out;
  rig.batch(0, numbers(rig.input(0), 0, 333), out);
  if (restart) rig.restart(1, out);
  rig.batch(0, numbers(rig.input(0), 333, 1000), out);
  return out.rows;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_restart_changes_nothing) {
  for (const Values& values : {options("fraction", "0.1"), options("every", "7"), options("first", "400"),
                               options("fraction", "0.2", {"k"})}) {
    const auto rows = kept(values, false);
    BOOST_TEST(rows.size() > 50U);
    BOOST_TEST((kept(values, true) == rows));
  }
}

BOOST_AUTO_TEST_CASE(each_way_keeps_what_it_says) {
  BOOST_TEST(kept(options("every", "250"), false).size() == 4U);
  BOOST_TEST(kept(options("every", "250"), false).contains("50|250"));
  BOOST_TEST(kept(options("first", "3"), false).size() == 3U);
  BOOST_TEST(kept(options("fraction", "0"), false).empty());
  BOOST_TEST(kept(options("fraction", "1"), false).size() == 1000U);
  const std::size_t half = kept(options("fraction", "0.5"), false).size();
  BOOST_TEST((half > 400 && half < 600));
}

BOOST_AUTO_TEST_CASE(a_key_is_kept_as_a_whole_and_stays_in_a_larger_sample) {
  const auto some = kept(options("fraction", "0.2", {"k"}), false);
  const auto more = kept(options("fraction", "0.5", {"k"}), false);
  BOOST_TEST(some.size() % 10 == 0U);
  BOOST_TEST((some.size() >= 80 && some.size() <= 350));
  for (const std::string& row : some) BOOST_TEST(more.contains(row));
  Values other = options("fraction", "0.2", {"k"});
  other.set("seed", std::string("1"));
  BOOST_TEST((kept(other, false) != some));
}

BOOST_AUTO_TEST_CASE(instances_that_come_and_go_choose_on) {
  OperatorRig rig(plan_sample, Sample::make, options("every", "10"), {{"in", input_schema()}}, 2);
  Emitted out;
  rig.batch(0, numbers(rig.input(0), 0, 5), out);
  rig.restart(3, out);
  rig.batch(0, numbers(rig.input(0), 5, 15), out);
  rig.restart(1, out);
  rig.batch(0, numbers(rig.input(0), 15, 21), out);
  BOOST_TEST((out.rows == std::multiset<std::string>{"0|0", "10|10", "20|20"}));
}

BOOST_AUTO_TEST_CASE(a_sample_by_key_takes_back_what_it_gave) {
  OperatorRig rig(plan_sample, Sample::make, options("fraction", "0.5", {"k"}),
                  {{"in", input_schema(Changelog::kUpdates)}});
  Emitted out;
  for (int n = 0; n < 100; ++n) {
    const std::string before = std::to_string(n);
    const std::string after = std::to_string(n + 100);
    rig.batch(0, batch_of(rig.input(0), {{{before, "1"}}}), out);
    rig.batch(0,
              batch_of(rig.input(0), {{{before, "1"}, RowKind::kUpdateBefore}, {{after, "1"}, RowKind::kUpdateAfter}}),
              out);
    rig.batch(0, batch_of(rig.input(0), {{{after, "1"}, RowKind::kDelete}}), out);
  }
  BOOST_TEST(out.rows.empty());
  BOOST_TEST(out.changes > 100U);
}

BOOST_AUTO_TEST_CASE(wrong_use_of_a_sample_is_refused) {
  const auto refused = [](const Values& values, Changelog changelog = Changelog::kAppend) {
    return refusal(plan_sample, values, input_schema(changelog));
  };
  BOOST_TEST(refused(options("fraction", "1.5")).starts_with("fraction: it is from 0 to 1"));
  BOOST_TEST(refused(options("every", "0")).starts_with("every: "));
  BOOST_TEST(refused(options("seed", "1")).starts_with("fraction: nothing says"));
  BOOST_TEST(refused(options("every", "3", {"k"})).starts_with("by: "));
  BOOST_TEST(refused(options("fraction", "0.5", {"kk"})).starts_with("by: no column"));
  BOOST_TEST(refused(options("every", "3"), Changelog::kUpdates).find("taken back") != std::string::npos);
}
