#include "stages/read-postgres/table_feed.h"

#include <boost/test/unit_test.hpp>
#include <deque>

#include "stages/read-postgres/cdc_position.h"
#include "tests/support/operator_rig.h"

using namespace stream;
using namespace stream::test;

namespace {

// Writes down every row that is emitted, with its kind.
class Told final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t output) override {
    static constexpr const char* kKinds[] = {"+I ", "-U ", "+U ", "-D "};
    for (std::size_t row = 0; row < batch.rows; ++row) {
      text += std::to_string(output) + kKinds[static_cast<int>(batch.kind(row))] + shown(batch, row) + "\n";
    }
    return {};
  }
  Status bad_record(BadRecord record) override {
    text += "bad " + record.reason + "\n";
    return {};
  }
  void late_records(std::uint64_t, std::size_t) override {}
  bool full() const override { return false; }

  std::string take() { return std::exchange(text, ""); }
  std::string text;
};

PgTuple row(const std::string& id, const std::string& name, const std::string& size) {
  static std::deque<std::string> texts;  // that the tuples look at
  PgTuple tuple;
  for (const std::string& text : {name, id, size}) {
    texts.push_back(text);
    tuple.push_back({.null = text == "-", .unchanged = text == "~", .text = texts.back()});
  }
  return tuple;
}

// (name VARCHAR, id BIGINT, size BIGINT) with the key id.
struct Setup {
  explicit Setup(bool full) : feed(store, facts(full), {{1, wanted()}}) {}
  static TableFacts facts(bool full) {
    return {"t", "t", parse_schema("name varchar, id bigint, size bigint")->fields, {1}, full};
  }
  static SchemaPtr wanted() {
    return std::make_shared<const Schema>(*parse_schema("id bigint, name varchar, size bigint"));
  }

  std::string told(const Status& done) {
    must(done);
    must(feed.flush(out));
    return out.take();
  }

  StateStore store;
  TableFeed feed;
  Told out;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(table_feed)

BOOST_AUTO_TEST_CASE(both_sides_come_from_kept_rows) {
  Setup s(false);
  BOOST_TEST(s.told(s.feed.read(row("1", "a", "10"), 1, s.out)) == "1+I 1|a|10\n");
  s.feed.follow();
  BOOST_TEST(s.told(s.feed.insert(row("2", "b", "20"), "", s.out)) == "1+I 2|b|20\n");
  BOOST_TEST(s.told(s.feed.update({}, row("1", "aa", "~"), "", s.out)) == "1-U 1|a|10\n1+U 1|aa|10\n");
  BOOST_TEST(s.told(s.feed.erase(row("2", "-", "-"), "", s.out)) == "1-D 2|b|20\n");
  BOOST_TEST(s.told(s.feed.erase(row("2", "-", "-"), "", s.out)) == "");
}

BOOST_AUTO_TEST_CASE(a_change_of_the_key_is_a_deletion_and_an_insertion) {
  for (const bool full : {false, true}) {
    Setup s(full);
    must(s.feed.read(row("1", "a", "10"), 1, s.out));
    s.told({});
    s.feed.follow();
    const PgTuple before = full ? row("1", "a", "10") : row("1", "-", "-");
    BOOST_TEST(s.told(s.feed.update(before, row("5", "a", "~"), "", s.out)) == "1-D 1|a|10\n1+I 5|a|10\n");
  }
}

BOOST_AUTO_TEST_CASE(the_full_identity_needs_no_state) {
  Setup s(true);
  must(s.feed.read(row("1", "a", "10"), 1, s.out));
  s.feed.follow();
  BOOST_TEST(s.store.rows() == 0u);
  s.told({});
  BOOST_TEST(s.told(s.feed.update(row("1", "a", "10"), row("1", "b", "~"), "", s.out)) == "1-U 1|a|10\n1+U 1|b|10\n");
  BOOST_TEST(s.told(s.feed.erase(row("1", "b", "10"), "", s.out)) == "1-D 1|b|10\n");
  BOOST_TEST((s.feed.update({}, row("1", "b", "1"), "", s.out).code() == Code::kUsage));
  BOOST_TEST((s.feed.truncate(s.out).status().code() == Code::kUsage));
}

BOOST_AUTO_TEST_CASE(reading_again_gives_only_what_is_different) {
  for (const bool full : {false, true}) {
    Setup s(full);
    for (const char* id : {"1", "2", "3"}) must(s.feed.read(row(id, "a", "-"), 1, s.out));
    s.told({});
    BOOST_TEST(s.told(s.feed.read(row("1", "a", "-"), 2, s.out)) == "");
    BOOST_TEST(s.told(s.feed.read(row("2", "b", "0"), 2, s.out)) == "1-U 2|a|NULL\n1+U 2|b|0\n");
    BOOST_TEST(s.told(s.feed.read(row("4", "d", "4"), 2, s.out)) == "1+I 4|d|4\n");
    BOOST_TEST(!must(s.feed.sweep(2, s.out)));
    BOOST_TEST(s.out.take() == "1-D 3|a|NULL\n");
  }
}

BOOST_AUTO_TEST_CASE(a_row_that_cannot_be_read_is_reported_and_gone) {
  for (const bool full : {false, true}) {
    Setup s(full);
    must(s.feed.read(row("1", "a", "10"), 1, s.out));
    s.told({});
    s.feed.follow();
    const std::optional<PgTuple> before = full ? std::optional(row("1", "a", "10")) : std::nullopt;
    BOOST_TEST(s.told(s.feed.update(before, row("1", "a", "many"), "", s.out)) ==
               "bad column 'size': not a valid BIGINT: many\n1-D 1|a|10\n");
    const std::optional<PgTuple> wrong = full ? std::optional(row("1", "a", "many")) : std::nullopt;
    BOOST_TEST(s.told(s.feed.update(wrong, row("1", "a", "11"), "", s.out)) == "1+I 1|a|11\n");
  }
}

BOOST_AUTO_TEST_CASE(a_truncated_table_loses_every_row) {
  Setup s(false);
  for (int i = 0; i < 5000; ++i) must(s.feed.read(row(std::to_string(i), "a", "-"), 1, s.out));
  s.told({});
  s.feed.follow();
  int rounds = 1;
  while (must(s.feed.truncate(s.out))) ++rounds;
  BOOST_TEST(rounds == 2);
  BOOST_TEST(s.store.rows() == 0u);
  const std::string told = s.out.take();
  BOOST_TEST(std::count(told.begin(), told.end(), '\n') == 5000);
}

BOOST_AUTO_TEST_CASE(the_position_is_one_row) {
  StateStore store;
  CdcPositionTable table(store);
  BOOST_TEST((table.load() == CdcPosition()));
  const CdcPosition position{"a,b", true, 3, 0xffff'0000'0000'0001, 4'000'000'000, 17};
  table.store(position);
  BOOST_TEST((table.load() == position));
  BOOST_TEST(store.rows() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
