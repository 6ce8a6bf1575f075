#include "stages/sort/sort.h"

#include <algorithm>
#include <random>

#include "tests/unit/rows/support.h"

using namespace stream;
using namespace stream::test;

namespace {

Values options(const std::string& order, std::vector<std::string> by = {}) {
  Values values;
  if (!order.empty()) values.set("order", order);
  if (!by.empty()) values.set("by", std::move(by));
  return values;
}

Schema input_schema() {
  Schema schema = *parse_schema("k bigint, ts timestamp, v varchar");
  schema.time = 1;
  return schema;
}

struct Event {
  std::int64_t k;
  std::int64_t ts;
  std::string v;
};

Batch batch_of(const SchemaPtr& schema, const std::vector<Event>& events) {
  std::vector<TextRow> rows;
  for (const Event& e : events) rows.push_back({{std::to_string(e.k), std::to_string(e.ts), e.v}});
  return stream::test::batch_of(schema, rows);
}

std::string text_of(const Event& e) { return std::to_string(e.k) + "|" + std::to_string(e.ts) + "|" + e.v; }

// Keeps the order as well.
class Ordered final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t output) override {
    for (std::size_t i = 0; i < batch.rows; ++i) (output == 0 ? rows : late_rows).push_back(shown(batch, i));
    return {};
  }
  Status bad_record(BadRecord record) override {
    bad.push_back(record.reason);
    return {};
  }
  void late_records(std::uint64_t count, std::size_t) override { late += count; }
  bool full() const override { return (asked_ = !asked_); }
  std::vector<std::string> rows;
  std::vector<std::string> late_rows;
  std::vector<std::string> bad;
  std::size_t late = 0;

 private:
  mutable bool asked_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(rows_go_in_order_when_event_time_has_passed_them) {
  OperatorRig rig(plan_sort, Sort::make, options(""), {{"in", input_schema()}});
  Ordered out;
  rig.batch(0, batch_of(rig.input(0), {{1, 30, "a"}, {2, 10, "b"}, {3, 20, "c"}, {4, 10, "d"}}), out);
  BOOST_TEST(out.rows.empty());
  rig.watermark(20, out);
  BOOST_TEST((out.rows == std::vector<std::string>{"2|10|b", "4|10|d"}));  // those at 20 may still come
  rig.batch(0, batch_of(rig.input(0), {{5, 20, "e"}, {6, 19, "f"}}), out);
  BOOST_TEST((out.late_rows == std::vector<std::string>{"6|19|f"}));
  BOOST_TEST(out.late == 1U);
  rig.end(out);
  BOOST_TEST((out.rows == std::vector<std::string>{"2|10|b", "4|10|d", "3|20|c", "5|20|e", "1|30|a"}));
  BOOST_TEST(rig.state_rows() == 0U);
}

BOOST_AUTO_TEST_CASE(rows_of_one_time_go_in_the_order_that_is_asked_for) {
  OperatorRig rig(plan_sort, Sort::make, options("v desc nulls last, k"), {{"in", input_schema()}});
  Ordered out;
  rig.batch(0, batch_of(rig.input(0), {{3, 10, "a"}, {2, 10, "b"}, {1, 10, "b"}, {4, 10, "\\N"}, {9, 9, "z"}}), out);
  rig.end(out);
  BOOST_TEST((out.rows == std::vector<std::string>{"9|9|z", "1|10|b", "2|10|b", "3|10|a", "4|10|NULL"}));
}

BOOST_AUTO_TEST_CASE(a_row_without_time_is_bad) {
  OperatorRig rig(plan_sort, Sort::make, options(""), {{"in", input_schema()}});
  Ordered out;
  rig.batch(0, stream::test::batch_of(rig.input(0), {{{"1", "\\N", "a"}}, {{"1", "5", "b"}}}), out);
  rig.end(out);
  BOOST_TEST((out.bad == std::vector<std::string>{"time column 'ts' is NULL"}));
  BOOST_TEST(out.rows.size() == 1U);
}

// Whatever restarts and rescales there are in between: every key's rows in order, each once.
BOOST_AUTO_TEST_CASE(restarts_and_other_parallelism_change_nothing) {
  std::mt19937 random(7);
  OperatorRig rig(plan_sort, Sort::make, options("", {"k"}), {{"in", input_schema()}}, 2);
  Ordered out;
  std::vector<Event> all;
  for (int step = 0; step < 30; ++step) {
    std::vector<Event> events;
    for (int i = 0; i < 200; ++i) {
      events.push_back({static_cast<std::int64_t>(random() % 20), step * 10 + static_cast<std::int64_t>(random() % 50),
                        std::to_string(all.size() + events.size())});
    }
    all.insert(all.end(), events.begin(), events.end());
    rig.batch(0, batch_of(rig.input(0), events), out);
    rig.watermark(step * 10 + 10, out);
    if (step % 4 == 3) rig.restart(1 + random() % 4, out);
  }
  rig.end(out);
  BOOST_TEST(out.late == 0U);
  for (std::int64_t k = 0; k < 20; ++k) {
    std::vector<Event> wanted;
    for (const Event& e : all) {
      if (e.k == k) wanted.push_back(e);
    }
    std::ranges::stable_sort(wanted, {}, &Event::ts);
    std::vector<std::string> texts;
    for (const Event& e : wanted) texts.push_back(text_of(e));
    std::vector<std::string> found;
    for (const std::string& row : out.rows) {
      if (row.starts_with(std::to_string(k) + "|")) found.push_back(row);
    }
    BOOST_TEST(found == texts, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(wrong_use_of_sort_is_refused) {
  Schema schema = input_schema();
  BOOST_TEST(refusal(plan_sort, options("x"), schema).starts_with("order: no column 'x'"));
  BOOST_TEST(refusal(plan_sort, options("", {"x"}), schema).starts_with("by: no column 'x'"));
  schema.changelog = Changelog::kUpdates;
  BOOST_TEST(refusal(plan_sort, options(""), schema).find("taken back") != std::string::npos);
  schema = input_schema();
  schema.time.reset();
  BOOST_TEST(refusal(plan_sort, options(""), schema).find("the input has none") != std::string::npos);
}
