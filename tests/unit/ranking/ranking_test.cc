#include <algorithm>
#include <functional>
#include <random>

#include "stages/dedup/dedup.h"
#include "stages/top-n/top_n.h"
#include "tests/support/operator_rig.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;

struct Record {
  std::int64_t k = 0;
  Microseconds ts = 0;
  std::int64_t v = 0;
  std::int64_t id = 0;
};

Schema input_schema(Changelog changelog = Changelog::kAppend, std::vector<std::size_t> key = {}) {
  Schema schema = *parse_schema("k bigint, ts timestamp, v bigint, id bigint");
  schema.time = 1;
  schema.changelog = changelog;
  schema.key = std::move(key);
  return schema;
}

class Rows {
 public:
  explicit Rows(SchemaPtr schema) : builder_(std::move(schema)) {}
  void add(const Record& r, RowKind kind = RowKind::kInsert) {
    builder_.column(0).append(r.k);
    builder_.column(1).append(r.ts);
    builder_.column(2).append(r.v);
    builder_.column(3).append(r.id);
    builder_.end_row(kind);
  }
  void send(OperatorRig& rig, Emitter& out) {
    if (builder_.rows() != 0) rig.batch(0, builder_.finish(), out);
  }

 private:
  BatchBuilder builder_;
};

std::string text_of(const Record& r) {
  return std::to_string(r.k) + "|" + std::to_string(r.ts) + "|" + std::to_string(r.v) + "|" + std::to_string(r.id);
}

Values top_n_values(std::vector<std::string> by, std::string order, int limit, std::string rank) {
  Values values;
  if (!by.empty()) values.set("by", std::move(by));
  values.set("order", std::move(order));
  values.set("limit", std::to_string(limit));
  if (!rank.empty()) values.set("rank", std::move(rank));
  return values;
}

Values dedup_values(const std::string& keep, const std::string& ttl = {}) {
  Values values;
  values.set("by", std::vector<std::string>{"k"});
  values.set("keep", keep);
  if (!ttl.empty()) values.set("ttl", ttl);
  return values;
}

using Group = std::function<std::int64_t(const Record&)>;

// The first rows of each group by v descending, then in the order given.
std::multiset<std::string> top(std::vector<Record> all, const Group& group, std::size_t limit, bool rank) {
  std::ranges::stable_sort(
      all, [&](const Record& a, const Record& b) { return group(a) != group(b) ? group(a) < group(b) : a.v > b.v; });
  std::multiset<std::string> out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    at = i > 0 && group(all[i]) == group(all[i - 1]) ? at + 1 : 1;
    if (at <= limit) out.insert(text_of(all[i]) + (rank ? "|" + std::to_string(at) : ""));
  }
  return out;
}

void check(const Emitted& out, const std::multiset<std::string>& expected) {
  BOOST_REQUIRE(out.bad.empty());
  BOOST_TEST(out.rows == expected, boost::test_tools::per_element());
}

void run_top(std::uint64_t seed, bool keyed, bool rank) {
  BOOST_TEST_CONTEXT("seed " << seed << ", keyed " << keyed << ", rank " << rank) {
    std::mt19937_64 random(seed);
    OperatorRig rig(plan_top_n, TopN::make,
                    top_n_values(keyed ? std::vector<std::string>{"k"} : std::vector<std::string>{}, "v desc", 3,
                                 rank ? "place" : ""),
                    {{"in", input_schema()}});
    const Group group = keyed ? Group([](const Record& r) { return r.k; }) : Group([](const Record&) { return 0; });
    Emitted out;
    std::vector<Record> all;
    for (int step = 0; step < 25; ++step) {
      Rows rows(rig.input(0));
      for (std::uint64_t i = random() % 15; i > 0; --i) {
        all.push_back({static_cast<std::int64_t>(random() % 4), 0, static_cast<std::int64_t>(random() % 20),
                       static_cast<std::int64_t>(all.size())});
        rows.add(all.back());
      }
      rows.send(rig, out);
      if (random() % 5 == 0) rig.restart(keyed ? 1 + static_cast<std::uint32_t>(random() % 3) : 1, out);
      check(out, top(all, group, 3, rank));
    }
    BOOST_TEST(rig.state_rows() <= 12);
  }
}

// Rows are taken back and replaced; a row that was pushed out may come up again.
void run_changing_top(std::uint64_t seed, bool rank) {
  BOOST_TEST_CONTEXT("seed " << seed << ", rank " << rank) {
    std::mt19937_64 random(seed);
    OperatorRig rig(plan_top_n, TopN::make, top_n_values({"k"}, "v desc, id", 2, rank ? "place" : ""),
                    {{"in", input_schema(Changelog::kUpdates, {3})}});
    Emitted out;
    std::vector<Record> all;
    std::int64_t next = 0;
    for (int step = 0; step < 40; ++step) {
      Rows rows(rig.input(0));
      for (std::uint64_t i = random() % 8; i > 0; --i) {
        const std::uint64_t choice = all.empty() ? 0 : random() % 3;
        const std::size_t at = all.empty() ? 0 : random() % all.size();
        if (choice == 0) {
          all.push_back({static_cast<std::int64_t>(random() % 3), 0, static_cast<std::int64_t>(random() % 9), next++});
          rows.add(all.back());
        } else if (choice == 1) {
          rows.add(all[at], RowKind::kUpdateBefore);
          all[at].v = static_cast<std::int64_t>(random() % 9);
          rows.add(all[at], RowKind::kUpdateAfter);
        } else {
          rows.add(all[at], RowKind::kDelete);
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
      rows.send(rig, out);
      if (random() % 5 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
      check(out, top(
                     all, [](const Record& r) { return r.k; }, 2, rank));
    }
    BOOST_TEST(rig.state_rows() == all.size());
  }
}

void run_windows(std::uint64_t seed) {
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937_64 random(seed);
    OperatorRig rig(plan_top_n, TopN::make, top_n_values({"ts", "k"}, "v desc", 2, "place"), {{"in", input_schema()}});
    BOOST_TEST((rig.answer().outputs[0].schema.changelog == Changelog::kAppend));
    Emitted out;
    std::vector<Record> on_time;
    std::int64_t sent = 0;
    Microseconds watermark = INT64_MIN;
    for (int step = 0; step < 30; ++step) {
      Rows rows(rig.input(0));
      for (std::uint64_t i = random() % 9; i > 0; --i, ++sent) {
        const Record r{static_cast<std::int64_t>(random() % 2),
                       (step + static_cast<Microseconds>(random() % 8)) / 4 * 4 * kSecond,
                       static_cast<std::int64_t>(random() % 9), sent};
        rows.add(r);
        if (r.ts >= watermark) on_time.push_back(r);
      }
      rows.send(rig, out);
      watermark = std::max(watermark, (step + static_cast<Microseconds>(random() % 6)) * kSecond);
      rig.watermark(watermark, out);
      if (random() % 5 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
    }
    rig.end(out);
    check(out, top(
                   on_time, [](const Record& r) { return r.ts * 2 + r.k; }, 2, true));
    BOOST_TEST(out.changes == out.rows.size());
    BOOST_TEST(on_time.size() + out.late == static_cast<std::size_t>(sent));
    BOOST_TEST(out.late > 0);
    BOOST_TEST(rig.state_rows() == 0);
  }
}

void run_dedup(std::uint64_t seed, bool last) {
  BOOST_TEST_CONTEXT("seed " << seed << ", last " << last) {
    std::mt19937_64 random(seed);
    OperatorRig rig(plan_dedup, Dedup::make, dedup_values(last ? "last" : "first"), {{"in", input_schema()}});
    Emitted out;
    std::map<std::int64_t, Record> kept;
    std::int64_t next = 0;
    for (int step = 0; step < 25; ++step) {
      Rows rows(rig.input(0));
      for (std::uint64_t i = random() % 12; i > 0; --i) {
        const Record r{static_cast<std::int64_t>(random() % 30), static_cast<Microseconds>(random() % 20), 0, next++};
        rows.add(r);
        const auto [at, fresh] = kept.emplace(r.k, r);
        if (last && !fresh && r.ts >= at->second.ts) at->second = r;
      }
      rows.send(rig, out);
      if (random() % 5 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
      std::multiset<std::string> expected;
      for (const auto& [k, r] : kept) expected.insert(text_of(r));
      check(out, expected);
    }
  }
}

PlanAnswer as_upserts(PlanAnswer answer) {
  BOOST_REQUIRE(!answer.outputs[0].schema.key.empty());
  answer.outputs[0].schema.changelog = Changelog::kUpserts;
  return answer;
}

// Readers that know rows by a unique key; what the rows of the full changelog make is known from elsewhere.
class Upserted final : public Emitter {
 public:
  explicit Upserted(const PlanAnswer& answer) : key_(answer.outputs[0].schema.key) {}

  Status emit(Batch batch, std::size_t /*output*/) override {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      std::string key;
      append_key(batch, key_, row, key);
      const RowKind kind = batch.kind(row);
      BOOST_REQUIRE((kind != RowKind::kUpdateBefore));
      BOOST_REQUIRE_EQUAL(rows_.contains(key), kind != RowKind::kInsert);
      kind == RowKind::kDelete ? static_cast<void>(rows_.erase(key))
                               : static_cast<void>(rows_[key] = shown(batch, row));
    }
    return {};
  }
  Status bad_record(BadRecord record) override { return Status(Code::kFailed, record.reason); }
  void late_records(std::uint64_t /*count*/, std::size_t /*output*/) override {}
  bool full() const override { return false; }

  std::multiset<std::string> rows() const {
    std::multiset<std::string> rows;
    for (const auto& [key, row] : rows_) rows.insert(row);
    return rows;
  }

 private:
  std::vector<std::size_t> key_;
  std::map<std::string, std::string> rows_;
};

// The same rows to two stages: one tells everything, the other upserts.
void run_upserts(std::uint64_t seed, OperatorRig& full, OperatorRig& upserting) {
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937_64 random(seed);
    Emitted all;
    Upserted upserts(upserting.answer());
    for (std::int64_t step = 0; step < 30; ++step) {
      Rows rows(full.input(0));
      Rows same(upserting.input(0));
      for (std::uint64_t i = random() % 12; i > 0; --i) {
        const Record r{static_cast<std::int64_t>(random() % 5), static_cast<Microseconds>(random() % 20),
                       static_cast<std::int64_t>(random() % 30), step};
        rows.add(r);
        same.add(r);
      }
      rows.send(full, all);
      Emitted none;
      same.send(upserting, upserts);
      const bool alone = upserting.answer().inputs[0].partition == Partition::kSingle;
      if (random() % 6 == 0) upserting.restart(alone ? 1 : 1 + static_cast<std::uint32_t>(random() % 3), none);
      BOOST_TEST(upserts.rows() == all.rows, boost::test_tools::per_element());
    }
  }
}

template <class Plan>
std::string error_of(Plan plan, const Values& values, const Schema& schema) {
  const PlanAnswer answer = plan({values, {{"in", schema}}, "/", 1, "stage"});
  return answer.errors.empty() ? "" : answer.errors[0].option + ": " + answer.errors[0].message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ranking)

BOOST_AUTO_TEST_CASE(the_first_rows_of_each_group_are_kept_up_to_date) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const bool keyed : {true, false}) {
      run_top(seed, keyed, false);
      run_top(seed, keyed, true);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_row_comes_up_when_one_before_it_is_taken_back) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    run_changing_top(seed, false);
    run_changing_top(seed, true);
  }
}

BOOST_AUTO_TEST_CASE(what_was_before_is_not_told_where_nobody_reads_it) {
  const auto top_upserts = [](const PlanRequest& request) { return as_upserts(plan_top_n(request)); };
  const auto dedup_upserts = [](const PlanRequest& request) { return as_upserts(plan_dedup(request)); };
  const std::vector<PlanInput> input = {{"in", input_schema()}};
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    for (const Values& values : {top_n_values({"k"}, "v desc", 3, "place"), top_n_values({"k"}, "v desc, ts", 1, ""),
                                 top_n_values({"k"}, "v desc, ts", 1, "place"), top_n_values({}, "v", 4, "place")}) {
      OperatorRig full(plan_top_n, TopN::make, values, input);
      OperatorRig upserting(top_upserts, TopN::make, values, input);
      run_upserts(seed, full, upserting);
    }
    OperatorRig full(plan_dedup, Dedup::make, dedup_values("last"), input);
    OperatorRig upserting(dedup_upserts, Dedup::make, dedup_values("last"), input);
    run_upserts(seed, full, upserting);
  }
}

BOOST_AUTO_TEST_CASE(windows_are_told_once_when_they_are_complete) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) run_windows(seed);
}

BOOST_AUTO_TEST_CASE(one_row_of_each_key_is_kept) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    run_dedup(seed, false);
    run_dedup(seed, true);
  }
}

BOOST_AUTO_TEST_CASE(a_key_is_forgotten_after_its_time) {
  OperatorRig rig(plan_dedup, Dedup::make, dedup_values("first", "10s"), {{"in", input_schema()}});
  Emitted out;
  Rows early(rig.input(0));
  early.add({1, 0, 0, 1});
  early.add({2, 5 * kSecond, 0, 2});
  early.send(rig, out);
  rig.restart(2, out);
  rig.watermark(12 * kSecond, out);
  Rows later(rig.input(0));
  later.add({1, 12 * kSecond, 0, 3});
  later.add({2, 12 * kSecond, 0, 4});
  later.send(rig, out);
  BOOST_TEST(out.rows.size() == 3);
}

BOOST_AUTO_TEST_CASE(with_one_row_a_group_its_columns_are_the_key) {
  OperatorRig rig(plan_top_n, TopN::make, top_n_values({"k"}, "v desc", 1, ""), {{"in", input_schema()}});
  BOOST_TEST((rig.answer().outputs[0].schema.key == std::vector<std::size_t>{0}));
  OperatorRig two(plan_top_n, TopN::make, top_n_values({"k"}, "v desc", 2, ""), {{"in", input_schema()}});
  BOOST_TEST(two.answer().outputs[0].schema.key.empty());
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused) {
  BOOST_TEST(error_of(plan_top_n, top_n_values({"m"}, "v", 1, ""), input_schema()) == "by: no column 'm'");
  BOOST_TEST(error_of(plan_top_n, top_n_values({"k"}, "w", 1, ""), input_schema()) == "order: no column 'w'");
  BOOST_TEST(error_of(plan_top_n, top_n_values({"k"}, "v", 0, ""), input_schema()) ==
             "limit: at least one row must be kept");
  BOOST_TEST(error_of(plan_top_n, top_n_values({"k"}, "v", 1, "id"), input_schema()) ==
             "rank: the input has a column 'id' already");
  BOOST_TEST(error_of(plan_top_n, top_n_values({"k"}, "v", 1, ""), input_schema(Changelog::kUpdates)) ==
             ": the input's rows may be taken back and have no unique key to find them by");
  BOOST_TEST(error_of(plan_dedup, dedup_values("last"), input_schema(Changelog::kUpdates, {3})) ==
             ": the input's rows may be taken back, and what came before them is not kept");
  Schema timeless = input_schema();
  timeless.time.reset();
  BOOST_TEST(error_of(plan_dedup, dedup_values("first", "1s"), timeless) ==
             "ttl: a key is known by event time, and the input has none");
}

// --- time to live -------------------------------------------------------------------------------

namespace {

constexpr Microseconds kTtl = 30 * kSecond;

Values forgetful(int limit, const std::string& rank = {}, bool keyed = true) {
  Values values =
      top_n_values(keyed ? std::vector<std::string>{"k"} : std::vector<std::string>{}, "v desc", limit, rank);
  values.set("ttl", "30s");
  return values;
}

// What is known of a group, row by row.
struct Known {
  std::vector<Record> rows;
  Microseconds touched = 0;

  bool old(Microseconds now) const {
    constexpr Microseconds kGrain = kTtl / 256;
    return touched - touched % kGrain < now - kTtl - (kGrain - 1);
  }
};

// The rank in its group of each row readers have: what was forgotten stays until another takes its place.
class RankedTable final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t /*output*/) override {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const std::string key = shown(batch.columns[0], i) + "|" + shown(batch.columns[4], i);
      if (batch.kind(i) == RowKind::kDelete)
        rows.erase(key);
      else if (batch.kind(i) != RowKind::kUpdateBefore)
        rows[key] = shown(batch, i);
    }
    return {};
  }
  Status bad_record(BadRecord record) override {
    bad.push_back(record.reason);
    return {};
  }
  void late_records(std::uint64_t count, std::size_t /*output*/) override { late += count; }
  bool full() const override { return false; }

  std::map<std::string, std::string> rows;
  std::vector<std::string> bad;
  std::size_t late = 0;
};

void run_forgetful_top(std::uint64_t seed, bool changing) {
  BOOST_TEST_CONTEXT("seed " << seed << ", changing " << changing) {
    std::mt19937_64 random(seed);
    const Schema input = changing ? input_schema(Changelog::kUpdates, {3}) : input_schema();
    OperatorRig rig(plan_top_n, TopN::make, forgetful(3, "place"), {{"in", input}});
    RankedTable out;
    std::map<std::int64_t, Known> groups;
    std::map<std::string, std::string> expected;
    std::size_t late = 0;
    Microseconds now = 0;
    std::int64_t next = 0;
    for (int step = 0; step < 80; ++step) {
      Rows rows(rig.input(0));
      const auto k = static_cast<std::int64_t>(random() % 5);
      for (std::uint64_t i = random() % 6; i > 0; --i) {
        now += static_cast<Microseconds>(random() % (5 * kSecond));
        Known& group = groups[k];
        if (group.old(now)) group.rows.clear();
        group.touched = std::max(group.touched, now);
        if (changing && random() % 3 == 0) {
          const bool known = !group.rows.empty() && random() % 2 == 0;
          Record gone = known ? group.rows.back() : Record{k, now, 1, 1'000'000 + next};
          if (known) group.rows.pop_back();
          late += known ? 0 : 1;
          gone.ts = now;
          rows.add(gone, RowKind::kDelete);
          continue;
        }
        group.rows.push_back({k, now, static_cast<std::int64_t>(random() % 20), next++});
        rows.add(group.rows.back());
      }
      const std::vector<Record>& kept = groups[k].rows;
      std::size_t place = 0;
      std::vector<Record> sorted = kept;
      std::ranges::stable_sort(sorted, std::greater(), &Record::v);
      rows.send(rig, out);
      const auto prefix = std::to_string(k) + "|";
      for (const Record& r : sorted) {
        if (++place <= 3) expected[prefix + std::to_string(place)] = text_of(r) + "|" + std::to_string(place);
      }
      // Ranks that nobody has any more are taken back, unless they were forgotten.
      for (std::size_t rank = place + 1; changing && rank <= 3; ++rank) {
        const auto stale = expected.find(prefix + std::to_string(rank));
        if (stale != expected.end() && !out.rows.contains(stale->first)) expected.erase(stale);
      }
      BOOST_REQUIRE(out.rows == expected);
      rig.watermark(now - 2 * kSecond, out);
      for (auto& [key, group] : groups) {
        if (group.old(now - 2 * kSecond)) group.rows.clear();
      }
      if (random() % 6 == 0) rig.restart(1 + static_cast<std::uint32_t>(random() % 3), out);
    }
    BOOST_TEST(out.late == late);
    BOOST_TEST(out.bad.empty());
    rig.watermark(now + 100 * kSecond, out);
    BOOST_TEST(rig.state_rows() == 0);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_top_n_forgets_groups_that_nothing_touches) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    run_forgetful_top(seed, false);
    run_forgetful_top(seed, true);
  }
}

BOOST_AUTO_TEST_CASE(a_top_n_of_all_rows_is_forgotten_within_a_batch) {
  OperatorRig rig(plan_top_n, TopN::make, forgetful(2, "place", false), {{"in", input_schema()}});
  RankedTable out;
  Rows rows(rig.input(0));
  rows.add({1, 0, 9, 1});
  rows.add({1, 20 * kSecond, 8, 2});
  rows.add({1, 60 * kSecond, 3, 3});
  rows.send(rig, out);
  BOOST_TEST(out.rows.at("1|1") == "1|60000000|3|3|1");
  BOOST_TEST(rig.state_rows() == 2);
}

BOOST_AUTO_TEST_CASE(a_top_n_without_event_time_goes_by_the_clock) {
  Schema timeless = input_schema();
  timeless.time.reset();
  OperatorRig rig(plan_top_n, TopN::make, forgetful(2, "place"), {{"in", timeless}});
  RankedTable out;
  Rows rows(rig.input(0));
  rows.add({1, 0, 9, 1});
  rows.send(rig, out);
  const Microseconds now = system_clock().wall_us();
  rig.on_time(now, out);
  BOOST_TEST(rig.state_rows() == 2);
  rig.restart(2, out);
  rig.on_time(now + kTtl / 2, out);
  BOOST_TEST(rig.state_rows() == 2);
  rig.on_time(now + 2 * kTtl, out);
  BOOST_TEST(rig.state_rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_top_n_of_windows_has_no_time_to_live) {
  Values values = forgetful(2);
  values.set("by", std::vector<std::string>{"k", "ts"});
  const PlanAnswer answer = plan_top_n({values, {{"in", input_schema()}}, "/", 1, "stage"});
  BOOST_REQUIRE(answer.errors.size() == 1);
  BOOST_TEST(answer.errors[0].message == "a group is forgotten once event time is past it");
}

BOOST_AUTO_TEST_SUITE_END()
