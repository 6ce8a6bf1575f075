// The operator: over a file as in a job, and over a reference that the test makes behave.
#include "stages/lookup/lookup.h"

#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <thread>

#include "snapshot/state_store.h"
#include "tests/support/operator_rig.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;

Schema input_schema(Changelog changelog = Changelog::kAppend) {
  Schema schema = *parse_schema("k bigint, ts timestamp, v bigint");
  schema.time = 1;
  schema.changelog = changelog;
  return schema;
}

struct Record {
  std::optional<std::int64_t> k;
  std::optional<Microseconds> ts = 0;
  std::int64_t v = 0;
  RowKind kind = RowKind::kInsert;
};

// `schema`: what the input is pruned to.
Batch batch_of(const SchemaPtr& schema, std::span<const Record> records) {
  BatchBuilder builder(schema);
  for (const Record& record : records) {
    const std::map<std::string, std::optional<std::int64_t>> values = {
        {"k", record.k}, {"ts", record.ts}, {"v", record.v}};
    for (std::size_t i = 0; i < schema->fields.size(); ++i) {
      const auto& value = values.at(schema->fields[i].name);
      value ? builder.column(i).append(*value) : builder.column(i).append_null();
    }
    builder.end_row(record.kind);
  }
  return builder.finish();
}

class FileCase {
 public:
  explicit FileCase(const std::string& text) {
    std::ofstream(dir_ / "r.csv") << text;
    values.set("path", dir_ / "r.csv");
    values.set("on", std::string("k % 100 = r.id"));
    values.set("kind", std::string("inner"));
    values.set("header", std::string("first"));
    values.set("columns", std::vector<SelectItem>{{"", "k, v, r.name, v * 2 as twice"}});
  }
  OperatorRig rig(const Schema& schema = input_schema(), std::uint32_t parallelism = 1) {
    return {plan_lookup, Lookup::make, values, {{"in", schema}}, parallelism};
  }
  PlanAnswer plan(const Schema& schema = input_schema()) { return plan_lookup({values, {{"in", schema}}, "/"}); }
  std::multiset<std::string> give(std::vector<Record> records, const Schema& schema = input_schema()) {
    OperatorRig made = rig(schema);
    Emitted out;
    made.batch(0, batch_of(made.input(0), records), out);
    made.end(out);
    bad = out.bad;
    return out.rows;
  }

  Values values;
  std::vector<std::string> bad;

 private:
  TempDir dir_;
};

using Set = std::multiset<std::string>;

// A reference that gives what it is told, and counts how often it is asked.
struct Behaviour {
  std::atomic<int> number = 0;  // what the rows say
  std::atomic<bool> away = false;
  std::atomic<int> readings = 0;
  std::mutex mutex;
  std::vector<std::vector<std::int64_t>> asked;
};

class FakeReader final : public ReferenceReader {
 public:
  FakeReader(Behaviour& behaviour, SchemaPtr schema) : behaviour_(behaviour), schema_(std::move(schema)) {}

  Result<std::string> version() override {
    if (behaviour_.away) return Status(Code::kSystem, "away");
    return std::to_string(behaviour_.number);
  }
  Result<std::vector<Batch>> read_all(std::uint64_t /*bytes_max*/) override {
    ++behaviour_.readings;
    return std::vector<Batch>{rows({1, 2, 3})};
  }
  Result<std::vector<Batch>> read_keys(const Batch& keys) override {
    if (behaviour_.away) return Status(Code::kSystem, "away");
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> there;
    for (std::size_t i = 0; i < keys.rows; ++i) {
      ids.push_back(keys.columns[0].value<std::int64_t>(i));
      if (ids.back() < 100) there.push_back(ids.back());
    }
    const std::lock_guard lock(behaviour_.mutex);
    behaviour_.asked.push_back(std::move(ids));
    return std::vector<Batch>{rows(there)};
  }

 private:
  Batch rows(const std::vector<std::int64_t>& ids) const {
    BatchBuilder builder(schema_);
    for (const std::int64_t id : ids) {
      builder.column(0).append(id);
      builder.column(1).append_bytes(std::to_string(behaviour_.number));
      builder.end_row();
    }
    return builder.finish();
  }
  Behaviour& behaviour_;
  SchemaPtr schema_;
};

class FakeCase {
 public:
  explicit FakeCase(LookupSettings settings) {
    Values values;
    values.set("on", std::string("k = r.id"));
    values.set("kind", std::string("left"));
    values.set("columns", std::vector<SelectItem>{{"", "k, r.name"}});
    if (settings.cache_rows != 0) values.set("cache", std::to_string(settings.cache_rows));
    Reference reference;
    reference.kind = ReferenceKind::kSqlite;
    reference.alias = "r";
    PlanError error;
    auto design =
        design_lookup(values, {"in", *input_}, reference, *parse_schema("id bigint, name varchar"), nullptr, &error);
    BOOST_REQUIRE_MESSAGE(design, error.message);
    auto reader = std::make_unique<FakeReader>(behaviour, std::make_shared<const Schema>(design->read));
    settings.bytes_max = 1 << 20;
    lookup_ = std::make_unique<Lookup>(*std::move(design),
                                       std::make_shared<const Schema>(*parse_schema("k bigint, name varchar")),
                                       std::move(reader), settings, clock);
  }

  Set give(std::vector<std::int64_t> keys) {
    std::vector<Record> records;
    for (const std::int64_t key : keys) records.push_back({key});
    Emitted out;
    must(lookup_->on_batch(0, batch_of(input_, records), out));
    drain(out);
    return out.rows;
  }
  // As the run loop does while nothing comes: until nothing is read any more, `most` times.
  Status wait(int most = 2000) {
    Emitted out;
    for (; most > 0; --most) {
      const auto due = lookup_->due();
      if (!due) return {};
      if (*due > clock.wall_us() && *due - clock.wall_us() > kSecond) return {};
      clock.advance(std::max<Microseconds>(0, *due - clock.wall_us()));
      STREAM_TRY(lookup_->on_time(clock.wall_us(), out));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the reader's thread is a real one
    }
    return failed("it is still being read");
  }

  Behaviour behaviour;
  ManualClock clock;

 private:
  void drain(Emitted& out) {
    while (lookup_->has_more()) must(lookup_->more(out));
  }
  SchemaPtr input_ = std::make_shared<const Schema>(input_schema());
  std::unique_ptr<Lookup> lookup_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(lookup)

BOOST_AUTO_TEST_CASE(what_is_found_for_many_rows_is_not_repeated_in_one_batch) {
  FileCase file("id,name\n7," + std::string(1 << 20, 'x') + "\n");
  file.values.set("reference-schema", std::string("id bigint, name varchar"));
  OperatorRig rig = file.rig();
  BatchSizes sizes;
  rig.batch(0, batch_of(rig.input(0), std::vector<Record>(100, Record{7, 0, 1})), sizes);
  rig.end(sizes);
  BOOST_TEST(sizes.rows == 100u);
  BOOST_TEST(sizes.largest < std::size_t{20} << 20);
}

BOOST_AUTO_TEST_CASE(rows_get_what_the_file_has) {
  FileCase test("id,name\n1,one\n2,two\n2,zwei\n3,\n");
  BOOST_TEST((test.give({{101, 0, 7}, {2, 0, 8}, {303, 0, 9}, {4, 0, 1}, {std::nullopt, 0, 1}}) ==
              Set{"101|7|one|14", "2|8|two|16", "2|8|zwei|16", "303|9|NULL|18"}));
  test.values.set("kind", std::string("left"));
  BOOST_TEST((test.give({{4, 0, 1}, {2, 0, 8}, {std::nullopt, 0, 3}}) ==
              Set{"4|1|NULL|2", "2|8|two|16", "2|8|zwei|16", "NULL|3|NULL|6"}));
}

BOOST_AUTO_TEST_CASE(the_rest_of_the_condition_decides_too) {
  FileCase test("id,name\n1,one\n2,two\n2,zwei\n");
  test.values.set("on", std::string("k = r.id and length(r.name) > v"));
  BOOST_TEST((test.give({{1, 0, 2}, {1, 0, 3}, {2, 0, 3}, {2, 0, 4}}) == Set{"1|2|one|4", "2|3|zwei|6"}));
  test.values.set("kind", std::string("left"));
  BOOST_TEST((test.give({{1, 0, 3}, {2, 0, 3}, {2, 0, 4}}) == Set{"1|3|NULL|6", "2|3|zwei|6", "2|4|NULL|8"}));
}

BOOST_AUTO_TEST_CASE(rows_whose_key_or_result_cannot_be_computed_are_bad) {
  FileCase test("id,name\n1,one\n");
  test.values.set("on", std::string("v / k = r.id"));
  test.values.set("columns", std::vector<SelectItem>{{"", "k, 1 / (v - 5) as x"}});
  BOOST_TEST((test.give({{0, 0, 3}, {3, 0, 3}, {5, 0, 5}}) == Set{"3|0"}));
  BOOST_TEST(test.bad == (std::vector<std::string>{"division by zero", "division by zero"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_row_gets_the_version_of_its_time) {
  FileCase test(
      "id,name,since\n1,first,1970-01-01T00:00:10Z\n1,second,1970-01-01T00:00:20Z\n2,other,1970-01-01T00:00:05Z\n");
  test.values.set("version", std::string("since"));
  test.values.set("kind", std::string("left"));
  BOOST_TEST((test.give({{1, 9 * kSecond, 1},
                         {1, 10 * kSecond, 2},
                         {1, 19 * kSecond, 3},
                         {1, 20 * kSecond, 4},
                         {2, 90 * kSecond, 5},
                         {2, std::nullopt, 6}}) ==
              Set{"1|1|NULL|2", "1|2|first|4", "1|3|first|6", "1|4|second|8", "2|5|other|10"}));
  BOOST_TEST(test.bad.size() == 1U);
}

BOOST_AUTO_TEST_CASE(many_rows_and_partners_come_in_pieces) {
  std::string text = "id,name\n";
  for (int i = 0; i < 3000; ++i) text += std::to_string(i % 3) + ",n" + std::to_string(i) + "\n";
  FileCase test(text);
  std::vector<Record> records;
  for (std::int64_t i = 0; i < 200; ++i) records.push_back({i % 4, 0, i});
  Set wanted;
  for (const Record& record : records) {
    for (int i = 0; i < 3000; ++i) {
      if (i % 3 != *record.k) continue;
      wanted.insert(std::to_string(*record.k) + "|" + std::to_string(record.v) + "|n" + std::to_string(i) + "|" +
                    std::to_string(record.v * 2));
    }
  }
  BOOST_TEST((test.give(records) == wanted));
}

BOOST_AUTO_TEST_CASE(it_keeps_no_state_and_restarts_with_any_parallelism) {
  FileCase test("id,name\n1,one\n2,two\n");
  OperatorRig rig = test.rig(input_schema(), 2);
  BOOST_TEST(rig.answer().state.empty());
  Emitted out;
  const std::vector<Record> records = {{1, 0, 1}, {2, 0, 2}};
  rig.batch(0, batch_of(rig.input(0), records), out);
  rig.restart(3, out);
  rig.batch(0, batch_of(rig.input(0), records), out);
  BOOST_TEST((out.rows == Set{"1|1|one|2", "2|2|two|4", "1|1|one|2", "2|2|two|4"}));
}

BOOST_AUTO_TEST_CASE(what_is_taken_back_is_what_was_given) {
  FileCase test("id,name\n1,one\n2,two\n");
  const Schema changes = input_schema(Changelog::kUpdates);
  PlanAnswer refused = test.plan(changes);
  BOOST_TEST_REQUIRE(refused.errors.size() == 1U);
  BOOST_TEST(refused.errors[0].message ==
             "the input's rows may be taken back, and by then the reference may have changed");
  test.values.set("static", std::string("true"));
  BOOST_TEST((test.give({{1, 0, 1},
                         {1, 0, 1, RowKind::kUpdateBefore},
                         {7, 0, 2, RowKind::kUpdateAfter},
                         {2, 0, 3},
                         {7, 0, 2, RowKind::kUpdateBefore},
                         {1, 0, 4, RowKind::kUpdateAfter}},
                        changes) == Set{"2|3|two|6", "1|4|one|8"}));
}

BOOST_AUTO_TEST_CASE(the_plan_says_what_it_needs_and_what_it_found) {
  FileCase test("id,name,more\n1,one,x\n");
  const PlanAnswer answer = test.plan();
  BOOST_TEST(answer.errors.empty());
  BOOST_TEST(answer.inputs[0].needs == std::vector<std::string>{"k"}, boost::test_tools::per_element());
  BOOST_TEST(to_string(answer.outputs[0].schema) == "k bigint, v bigint, name varchar, twice bigint");
  BOOST_TEST(answer.fixed.at("reference-schema") == "id bigint, name varchar, more varchar");
  BOOST_TEST(!answer.replayed.empty());
  BOOST_TEST(!answer.cacheable);
  test.values.set("static", std::string("true"));
  BOOST_TEST(test.plan().replayed.empty());
}

BOOST_AUTO_TEST_CASE(a_reference_is_read_again_when_it_has_changed) {
  FakeCase test({.refresh = 10 * kSecond});
  BOOST_TEST((test.give({1, 9}) == Set{"1|0", "9|NULL"}));
  must(test.wait());
  test.clock.advance(10 * kSecond);
  must(test.wait());
  BOOST_TEST(test.behaviour.readings == 1);  // it has not
  test.behaviour.number = 5;
  BOOST_TEST((test.give({1}) == Set{"1|0"}));
  test.clock.advance(10 * kSecond);
  must(test.wait());
  BOOST_TEST(test.behaviour.readings == 2);
  BOOST_TEST((test.give({1}) == Set{"1|5"}));
}

BOOST_AUTO_TEST_CASE(what_was_read_serves_while_the_reference_is_away_for_a_minute) {
  FakeCase test({.refresh = 10 * kSecond});
  BOOST_TEST((test.give({1}) == Set{"1|0"}));
  must(test.wait());
  test.behaviour.away = true;
  Status status;
  Microseconds away = 0;
  for (; status.ok() && away < 300 * kSecond; away += 10 * kSecond) {
    BOOST_TEST((test.give({1}) == Set{"1|0"}));
    test.clock.advance(10 * kSecond);
    status = test.wait();
  }
  BOOST_TEST(status.what() == "away");
  BOOST_TEST(away >= 60 * kSecond);
}

BOOST_AUTO_TEST_CASE(cached_keys_are_asked_for_once_and_together) {
  FakeCase test({.cache_rows = 1000, .expire = 60 * kSecond});
  BOOST_TEST((test.give({1, 2, 1, 200, 200}) == Set{"1|0", "2|0", "1|0", "200|NULL", "200|NULL"}));
  test.behaviour.number = 5;
  BOOST_TEST((test.give({1, 3, 200}) == Set{"1|0", "3|5", "200|NULL"}));
  test.clock.advance(60 * kSecond);
  BOOST_TEST((test.give({1, 2}) == Set{"1|5", "2|5"}));
  BOOST_TEST((test.behaviour.asked == std::vector<std::vector<std::int64_t>>{{1, 2, 200}, {3}, {1, 2}}));
}

BOOST_AUTO_TEST_CASE(more_keys_than_the_cache_holds_are_found_all_the_same) {
  FakeCase test({.cache_rows = 3});
  std::vector<std::int64_t> keys;
  Set wanted;
  for (std::int64_t key = 0; key < 50; ++key) {
    keys.push_back(key);
    wanted.insert(std::to_string(key) + "|0");
  }
  BOOST_TEST((test.give(keys) == wanted));
  BOOST_TEST((test.give(keys) == wanted));
}

BOOST_AUTO_TEST_SUITE_END()
