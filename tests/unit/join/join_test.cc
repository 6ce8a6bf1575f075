#include "stages/join/join.h"

#include <functional>
#include <random>

#include "tests/support/operator_rig.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;

struct Record {
  std::optional<std::int64_t> k;
  Microseconds ts = 0;
  std::int64_t v = 0;
};

struct Options {
  std::string on = "l.k = r.k and l.v <> r.v";
  std::string kind = "inner";
  std::string ttl = {};
  std::string ttl_of = {};  // an input; else both

  Values values() const {
    Values out;
    out.set("columns",
            std::vector<SelectItem>{{"", "l.k as lk, l.ts as lts, l.v as lv, r.k as rk, r.ts as rts, r.v as rv"}});
    out.set("on", on);
    out.set("kind", kind);
    if (!ttl.empty()) out.set("ttl", std::vector<SelectItem>{{ttl_of, ttl}});
    return out;
  }
};

Schema input_schema(Changelog changelog = Changelog::kAppend, std::vector<std::size_t> key = {}) {
  Schema schema = *parse_schema("k bigint, ts timestamp, v bigint");
  schema.time = 1;
  schema.changelog = changelog;
  schema.key = std::move(key);
  return schema;
}

OperatorRig rig_of(const Options& options, const Schema& left, const Schema& right, std::uint32_t parallelism = 1) {
  return {plan_join, Join::make, options.values(), {{"l", left}, {"r", right}}, parallelism};
}

class Rows {
 public:
  explicit Rows(SchemaPtr schema) : builder_(std::move(schema)) {}
  void add(const Record& r, RowKind kind = RowKind::kInsert) {
    if (r.k) {
      builder_.column(0).append(*r.k);
    } else {
      builder_.column(0).append_null();
    }
    builder_.column(1).append(r.ts);
    builder_.column(2).append(r.v);
    builder_.end_row(kind);
  }
  std::size_t count() const { return builder_.rows(); }
  Batch take() { return builder_.finish(); }

 private:
  BatchBuilder builder_;
};

std::string half(const Record* r) {
  if (r == nullptr) return "NULL|NULL|NULL";
  return (r->k ? std::to_string(*r->k) : "NULL") + "|" + std::to_string(r->ts) + "|" + std::to_string(r->v);
}

using Match = std::function<bool(const Record&, const Record&)>;

// JOIN by trying all pairs.
std::multiset<std::string> joined(const std::vector<Record>& left, const std::vector<Record>& right,
                                  const std::string& kind, const Match& match) {
  std::multiset<std::string> out;
  std::vector<bool> found(right.size(), false);
  for (const Record& l : left) {
    bool any = false;
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (!l.k || l.k != right[i].k || !match(l, right[i])) continue;
      out.insert(half(&l) + "|" + half(&right[i]));
      any = found[i] = true;
    }
    if (!any && (kind == "left" || kind == "full")) out.insert(half(&l) + "|" + half(nullptr));
  }
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (!found[i] && (kind == "right" || kind == "full")) out.insert(half(nullptr) + "|" + half(&right[i]));
  }
  return out;
}

const Match kDiffer = [](const Record& l, const Record& r) { return l.v != r.v; };
constexpr const char* kKinds[] = {"inner", "left", "right", "full"};

Record random_record(std::mt19937_64& random, Microseconds around) {
  Record r;
  if (random() % 10 != 0) r.k = static_cast<std::int64_t>(random() % 8);
  r.ts = around + static_cast<Microseconds>(random() % 10) * kSecond;
  r.v = static_cast<std::int64_t>(random() % 4);
  return r;
}

void check(const Emitted& out, const std::multiset<std::string>& expected) {
  BOOST_REQUIRE(out.bad.empty());
  BOOST_TEST(out.rows == expected, boost::test_tools::per_element());
}

// Batches of either input in any order, restarted with another parallelism now and then.
void run_unbounded(std::uint64_t seed, const std::string& kind) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << kind) {
    std::mt19937_64 random(seed);
    OperatorRig rig = rig_of({.kind = kind}, input_schema(), input_schema());
    Emitted out;
    std::vector<Record> all[2];
    for (int step = 0; step < 25; ++step) {
      const std::size_t side = random() % 2;
      Rows rows(rig.input(side));
      for (std::uint64_t i = random() % 12; i > 0; --i) rows.add(all[side].emplace_back(random_record(random, 0)));
      if (rows.count() != 0) rig.batch(side, rows.take(), out);
      if (random() % 5 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
      check(out, joined(all[0], all[1], kind, kDiffer));
    }
    rig.end(out);
    check(out, joined(all[0], all[1], kind, kDiffer));
  }
}

const Options kBounded{.on = "l.k = r.k and r.ts between l.ts - interval '3 seconds' and l.ts + interval '5 seconds'"};
const Match kNear = [](const Record& l, const Record& r) {
  return r.ts >= l.ts - 3 * kSecond && r.ts <= l.ts + 5 * kSecond;
};

void run_bounded(std::uint64_t seed, const std::string& kind) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << kind) {
    std::mt19937_64 random(seed);
    Options options = kBounded;
    options.kind = kind;
    OperatorRig rig = rig_of(options, input_schema(), input_schema());
    Emitted out;
    std::vector<Record> on_time[2];
    std::size_t sent = 0;
    Microseconds watermark = INT64_MIN;
    for (int step = 0; step < 40; ++step) {
      const std::size_t side = random() % 2;
      const Microseconds around = step * kSecond;
      Rows rows(rig.input(side));
      for (std::uint64_t i = random() % 9; i > 0; --i, ++sent) {
        const Record r = random_record(random, around);
        rows.add(r);
        if (r.ts >= watermark) on_time[side].push_back(r);
      }
      if (rows.count() != 0) rig.batch(side, rows.take(), out);
      watermark = std::max(watermark, around + static_cast<Microseconds>(random() % 7) * kSecond);
      rig.watermark(watermark, out);
      if (random() % 6 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
    }
    rig.end(out);
    check(out, joined(on_time[0], on_time[1], kind, kNear));
    BOOST_TEST(out.changes == out.rows.size());  // nothing had to be taken back
    BOOST_TEST(on_time[0].size() + on_time[1].size() + out.late == sent);
    BOOST_TEST(out.named[kLateLeft].size() + out.named[kLateRight].size() == out.late);
    BOOST_TEST(out.late > 0);
    BOOST_TEST(rig.state_rows() == 0);
  }
}

// Inputs whose rows are taken back and replaced.
void run_changing(std::uint64_t seed, const std::string& kind, const std::vector<std::size_t>& key) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << kind << ", key columns " << key.size()) {
    std::mt19937_64 random(seed);
    const Schema schema = input_schema(Changelog::kUpdates, key);
    OperatorRig rig = rig_of({.kind = kind}, schema, schema);
    Emitted out;
    std::vector<Record> all[2];
    std::int64_t next = 0;
    for (int step = 0; step < 30; ++step) {
      const std::size_t side = random() % 2;
      Rows rows(rig.input(side));
      for (std::uint64_t i = random() % 8; i > 0; --i) {
        if (!all[side].empty() && random() % 3 == 0) {
          const std::size_t at = random() % all[side].size();
          rows.add(all[side][at], RowKind::kUpdateBefore);
          all[side][at].k = static_cast<std::int64_t>(random() % 8);
          rows.add(all[side][at], RowKind::kUpdateAfter);
        } else if (!all[side].empty() && random() % 3 == 0) {
          const std::size_t at = random() % all[side].size();
          rows.add(all[side][at], RowKind::kDelete);
          all[side].erase(all[side].begin() + static_cast<std::ptrdiff_t>(at));
        } else {
          Record r = random_record(random, 0);
          if (!key.empty()) r.v = ++next;
          rows.add(all[side].emplace_back(r));
        }
      }
      if (rows.count() != 0) rig.batch(side, rows.take(), out);
      if (random() % 5 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
      check(out, joined(all[0], all[1], kind, kDiffer));
    }
  }
}

std::string error_of(const Options& options, const Schema& left, const Schema& right) {
  const Values values = options.values();
  const PlanAnswer answer = plan_join({values, {{"l", left}, {"r", right}}, "/", 1, "stage"});
  return answer.errors.empty() ? "" : answer.errors[0].option + ": " + answer.errors[0].message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(join)

BOOST_AUTO_TEST_CASE(every_kind_equals_trying_all_pairs_however_often_it_is_restored) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const char* kind : kKinds) run_unbounded(seed, kind);
  }
}

BOOST_AUTO_TEST_CASE(bounded_by_time_rows_leave_and_on_time_and_late_rows_are_all) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const char* kind : kKinds) run_bounded(seed, kind);
  }
}

BOOST_AUTO_TEST_CASE(what_inputs_take_back_is_taken_back) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    for (const char* kind : kKinds) {
      run_changing(seed, kind, {2});
      run_changing(seed, kind, {0, 2});
      run_changing(seed, kind, {});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_key_with_more_partners_than_fit_into_one_piece) {
  OperatorRig rig = rig_of({.kind = "full"}, input_schema(), input_schema());
  Emitted out;
  std::vector<Record> all[2];
  Rows left(rig.input(0));
  for (int i = 0; i < 10'000; ++i) left.add(all[0].emplace_back(Record{1, i, i % 3}));
  rig.batch(0, left.take(), out);
  Rows right(rig.input(1));
  for (int i = 0; i < 7; ++i) right.add(all[1].emplace_back(Record{i % 2, i, 5 - i}));
  rig.batch(1, right.take(), out);
  check(out, joined(all[0], all[1], "full", kDiffer));
}

BOOST_AUTO_TEST_CASE(rows_older_than_the_ttl_find_no_partner) {
  OperatorRig rig = rig_of({.ttl = "10s"}, input_schema(), input_schema());
  Emitted out;
  Rows left(rig.input(0));
  left.add({1, 0, 1});
  left.add({1, 5 * kSecond, 2});
  rig.batch(0, left.take(), out);
  rig.watermark(12 * kSecond, out);
  Rows right(rig.input(1));
  right.add({1, 12 * kSecond, 3});
  rig.batch(1, right.take(), out);
  BOOST_TEST(out.rows.size() == 1);
  BOOST_TEST(rig.state_rows() == 2);
}

BOOST_AUTO_TEST_CASE(each_input_may_have_a_ttl_of_its_own) {
  OperatorRig rig = rig_of({.ttl = "10s", .ttl_of = "r"}, input_schema(), input_schema());
  BOOST_TEST(rig.answer().warnings == std::vector<std::string>({"all rows of 'l' are kept for ever; bound the "
                                                                "difference of their times in 'on', or give a 'ttl'"}),
             boost::test_tools::per_element());
  Emitted out;
  for (const std::size_t side : {0, 1}) {
    Rows rows(rig.input(side));
    rows.add({1, 0, static_cast<std::int64_t>(side)});
    rig.batch(side, rows.take(), out);
  }
  BOOST_TEST(out.rows.size() == 1);
  rig.watermark(12 * kSecond, out);
  BOOST_TEST(rig.state_rows() == 1);
  rig.restart(2, out);
  for (const std::size_t side : {0, 1}) {
    Rows rows(rig.input(side));
    rows.add({1, 12 * kSecond, 5});
    rig.batch(side, rows.take(), out);
  }
  BOOST_TEST(out.rows.size() == 2);
}

BOOST_AUTO_TEST_CASE(the_plan_knows_time_key_and_changes_of_the_result) {
  const OperatorRig plain = rig_of({}, input_schema(), input_schema());
  BOOST_TEST(!plain.answer().outputs[0].schema.time);
  BOOST_TEST((plain.answer().outputs[0].schema.changelog == Changelog::kAppend));
  BOOST_TEST(plain.answer().warnings.size() == 1);

  const OperatorRig bounded = rig_of(kBounded, input_schema(), input_schema());
  BOOST_TEST(*bounded.answer().outputs[0].schema.time == 1);
  BOOST_TEST(bounded.answer().warnings.empty());

  const OperatorRig left = rig_of({.kind = "left"}, input_schema(), input_schema());
  BOOST_TEST((left.answer().outputs[0].schema.changelog == Changelog::kUpdates));

  const Schema by_v = input_schema(Changelog::kAppend, {2});
  const Schema by_k = input_schema(Changelog::kAppend, {0});
  BOOST_TEST(rig_of({}, by_v, by_v).answer().outputs[0].schema.key == std::vector<std::size_t>({2, 5}),
             boost::test_tools::per_element());
  BOOST_TEST(rig_of({.kind = "left"}, by_v, by_k).answer().outputs[0].schema.key == std::vector<std::size_t>({2}),
             boost::test_tools::per_element());
  BOOST_TEST(rig_of({.kind = "left"}, by_v, by_v).answer().outputs[0].schema.key.empty());
}

BOOST_AUTO_TEST_CASE(the_output_watermark_waits_for_rows_that_are_still_kept) {
  const Values values = kBounded.values();
  const std::vector<PlanInput> inputs = {{"l", input_schema()}, {"r", input_schema()}};
  PlanError error;
  StateStore store;
  const Join op(*design_join(values, inputs, "stage", &error), store, nullptr, {});
  BOOST_TEST(op.output_watermark(100 * kSecond) == 95 * kSecond);  // an order waits 5 s for its payment
  BOOST_TEST(op.output_watermark(kNoWatermark) == kNoWatermark);
  BOOST_TEST(op.output_watermark(kEndOfTime) == kEndOfTime);
}

BOOST_AUTO_TEST_CASE(wrong_joins_are_refused) {
  Schema timeless = input_schema();
  timeless.time.reset();
  Schema text = *parse_schema("k varchar, ts timestamp, v bigint");
  BOOST_TEST(error_of({.on = "l.v < r.v"}, input_schema(), input_schema()) ==
             "on: no column of 'l' is equal to one of 'r'");
  BOOST_TEST(error_of({.on = "l.k = r.k and random() < 0.5"}, input_schema(), input_schema()) ==
             "on: a condition that is another one each time cannot be kept");
  BOOST_TEST(error_of({.on = "l.k = r.k"}, input_schema(), text).starts_with("on: "));
  BOOST_TEST(
      error_of({.ttl = "5s", .ttl_of = "x"}, input_schema(), input_schema()).starts_with("ttl: there is no input 'x'"));
  Options settled = kBounded;
  settled.ttl = "5s";
  BOOST_TEST(error_of(settled, input_schema(), input_schema()).empty());
  settled.ttl_of = "l";
  BOOST_TEST(error_of(settled, input_schema(), input_schema()) ==
             "ttl: the condition says how long rows of 'l' are kept");
  BOOST_TEST(error_of({.ttl = "5s"}, timeless, input_schema()) == "ttl: rows are kept by event time, and 'l' has none");
}

BOOST_AUTO_TEST_SUITE_END()
