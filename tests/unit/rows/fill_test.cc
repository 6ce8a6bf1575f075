#include "stages/fill/fill.h"

#include <map>
#include <random>

#include "tests/unit/rows/support.h"

using namespace stream;
using namespace stream::test;

namespace {

Values options(const std::string& with, const std::string& bound = "100us", std::vector<std::string> by = {"k"}) {
  Values values;
  values.set("every", std::string("10us"));
  values.set("for", bound);
  values.set("zone", std::string("UTC"));
  if (!by.empty()) values.set("by", std::move(by));
  std::vector<SelectItem> items;
  if (!with.empty()) items.push_back({"", with});
  values.set("with", items);
  return values;
}

Schema input_schema() {
  Schema schema = *parse_schema("k bigint, ts timestamp, v bigint, d double");
  schema.time = 1;
  return schema;
}

struct Event {
  std::int64_t k;
  std::int64_t ts;
  std::int64_t v;
};

Batch batch_of(const SchemaPtr& schema, const std::vector<Event>& events) {
  std::vector<TextRow> rows;
  for (const Event& e : events)
    rows.push_back({{std::to_string(e.k), std::to_string(e.ts), std::to_string(e.v), "0.5"}});
  return stream::test::batch_of(schema, rows);
}

using Rows = std::multiset<std::string>;

}  // namespace

BOOST_AUTO_TEST_CASE(a_gap_gets_rows_and_so_does_what_follows_the_last_row) {
  OperatorRig rig(plan_fill, Fill::make, options("carry as v, 0.25 as d", "20us"), {{"in", input_schema()}});
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), {{1, 35, 8}, {1, 5, 7}}), out);
  BOOST_TEST(out.rows.empty());
  rig.watermark(29, out);  // the cell from 20 on has not ended
  BOOST_TEST((out.rows == Rows{"1|5|7|0.500000", "1|10|7|0.250000"}));
  rig.watermark(30, out);
  BOOST_TEST(out.rows.contains("1|20|7|0.250000"));
  rig.watermark(200, out);
  BOOST_TEST((out.rows == Rows{"1|5|7|0.500000", "1|10|7|0.250000", "1|20|7|0.250000", "1|35|8|0.500000",
                               "1|40|8|0.250000", "1|50|8|0.250000"}));
  BOOST_TEST(rig.state_rows() == 0U);
  rig.batch(0, batch_of(rig.input(0), {{1, 199, 1}, {1, 200, 9}}), out);
  BOOST_TEST(out.late == 1U);
  rig.end(out);
  BOOST_TEST(out.rows.contains("1|220|9|0.250000"));
  BOOST_TEST(!out.rows.contains("1|230|9|0.250000"));
  BOOST_TEST(rig.state_rows() == 0U);
}

BOOST_AUTO_TEST_CASE(linear_values_wait_for_the_end_of_the_gap) {
  OperatorRig rig(plan_fill, Fill::make, options("linear as v", "50us", {}), {{"in", input_schema()}});
  BOOST_TEST(rig.answer().parallelism_max == 1U);
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), {{1, 0, 100}, {1, 40, 500}, {2, 95, 0}}), out);
  rig.watermark(30, out);
  BOOST_TEST((out.rows == Rows{"1|0|100|0.500000"}));
  rig.end(out);
  BOOST_TEST((out.rows == Rows{"1|0|100|0.500000", "NULL|10|200|NULL", "NULL|20|300|NULL", "NULL|30|400|NULL",
                               "1|40|500|0.500000", "2|95|0|0.500000"}));
}

BOOST_AUTO_TEST_CASE(rows_of_windows_that_were_empty_have_both_bounds) {
  Schema schema = *parse_schema("host varchar, window_start timestamp, window_end timestamp, n bigint");
  schema.time = 1;
  schema.key = {0, 1};
  OperatorRig rig(plan_fill, Fill::make, options("0 as n", "10us", {"host"}), {{"in", schema}});
  BOOST_TEST(rig.answer().outputs[0].schema.key.size() == 2U);
  Emitted out;
  rig.batch(0, stream::test::batch_of(rig.input(0), {{{"a", "10", "20", "5"}}}), out);
  rig.end(out);
  BOOST_TEST((out.rows == Rows{"a|10|20|5", "a|20|30|0"}));
}

// What is made depends on the rows alone, whatever happened in between.
BOOST_AUTO_TEST_CASE(restarts_and_other_parallelism_make_the_same_rows) {
  for (const bool linear : {false, true}) {
    const Values values = options(linear ? "linear as v" : "carry as v", "60us");
    OperatorRig rig(plan_fill, Fill::make, values, {{"in", input_schema()}}, 2);
    std::mt19937 random(3);
    std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> all;
    Emitted out;
    for (int step = 0; step < 60; ++step) {
      std::vector<Event> events;
      for (int i = 0; i < 6; ++i) {
        const Event e{static_cast<std::int64_t>(random() % 9), step * 12 + static_cast<std::int64_t>(random() % 60),
                      static_cast<std::int64_t>(random() % 1000)};
        if (all[e.k].emplace(e.ts, e.v).second) events.push_back(e);
      }
      rig.batch(0, batch_of(rig.input(0), events), out);
      rig.watermark(step * 12 + 12, out);
      if (step % 7 == 3) rig.restart(1 + random() % 4, out);
    }
    rig.end(out);
    Rows wanted;
    const auto add = [&](std::int64_t k, std::int64_t ts, std::int64_t v, bool made) {
      wanted.insert(std::to_string(k) + "|" + std::to_string(ts) + "|" + std::to_string(v) +
                    (made ? "|NULL" : "|0.500000"));
    };
    for (const auto& [k, rows] : all) {
      for (auto at = rows.begin(); at != rows.end(); ++at) {
        add(k, at->first, at->second, false);
        const auto next = std::next(at);
        if (linear && (next == rows.end() || next->first - at->first > 60)) continue;
        const std::int64_t end = next == rows.end() ? INT64_MAX : next->first / 10 * 10;
        for (std::int64_t cell = at->first / 10 * 10 + 10; cell < end && cell <= at->first + 60; cell += 10) {
          const auto line = [&] {
            return std::llround(static_cast<long double>(at->second) +
                                static_cast<long double>(next->second - at->second) * (cell - at->first) /
                                    (next->first - at->first));
          };
          add(k, cell, linear ? line() : at->second, true);
        }
      }
    }
    BOOST_TEST(out.late == 0U);
    BOOST_TEST((out.rows == wanted));
    BOOST_TEST(rig.state_rows() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(long_gaps_come_in_pieces) {
  OperatorRig rig(plan_fill, Fill::make, options("carry as v", "1s"), {{"in", input_schema()}});
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), {{1, 0, 1}, {1, 500'000, 2}}), out);
  rig.end(out);
  BOOST_TEST(out.rows.size() == 150'001U);
}

BOOST_AUTO_TEST_CASE(wrong_use_of_fill_is_refused) {
  const Schema schema = input_schema();
  const auto refused = [&](const std::string& with, const std::string& bound = "100us") {
    return refusal(plan_fill, options(with, bound), schema);
  };
  BOOST_TEST(refused("carry as x").starts_with("with: no column 'x'"));
  BOOST_TEST(refused("carry as k").starts_with("with: 'k' tells the gap"));
  BOOST_TEST(refused("carry as ts").starts_with("with: 'ts' tells the gap"));
  BOOST_TEST(refused("d as v").starts_with("with: 'd' is no constant"));
  BOOST_TEST(refused("'x' as v").starts_with("with: "));
  BOOST_TEST(refused("", "5us").starts_with("for: it is less"));
  BOOST_TEST(refused("", "1h").starts_with("for: it is more than a million"));
  Schema changed = schema;
  changed.changelog = Changelog::kUpdates;
  BOOST_TEST(refusal(plan_fill, options(""), changed).find("taken back") != std::string::npos);
  changed = schema;
  changed.time.reset();
  BOOST_TEST(refusal(plan_fill, options(""), changed).find("the input has none") != std::string::npos);
}
