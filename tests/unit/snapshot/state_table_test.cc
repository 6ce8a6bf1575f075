#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

#include "snapshot/state_table.h"
#include "tests/support/state_model.h"
#include "transport/record/key.h"

using namespace stream;

namespace {

TableSpec slices_spec() {
  TableSpec spec;
  spec.name = "slices";
  spec.key = {{"host", kVarchar}, {"start", kTimestamp}};
  spec.value = {{"count", kBigint}};
  spec.group_columns = 1;
  spec.prefix = 1;
  spec.ordered = "start";
  return spec;
}

TableSpec integers_spec() {
  TableSpec spec;
  spec.name = "integers";
  spec.key = {{"n", kBigint}};
  spec.value = {{"count", kBigint}};
  return spec;
}

Batch integers(const std::vector<std::int64_t>& values) {
  ColumnBuilder column(kBigint);
  for (const std::int64_t value : values) column.append(value);
  return {nullptr, values.size(), {column.finish()}, {}};
}

constexpr std::size_t kKey[] = {0};

std::vector<std::uint64_t> hashes_of(const Batch& batch) {
  std::vector<std::uint64_t> hashes(batch.rows);
  hash_keys(batch, kKey, hashes);
  return hashes;
}

std::int64_t i(int value) { return value; }

}  // namespace

BOOST_AUTO_TEST_SUITE(state_table)

BOOST_AUTO_TEST_CASE(a_batch_with_repeated_keys_makes_each_row_once) {
  StateTable table(integers_spec());
  const Batch batch = integers({5, 7, 5, 5, 9, 7});
  std::vector<Row> rows(batch.rows);
  std::vector<std::uint8_t> inserted(batch.rows);
  table.upsert(batch, kKey, hashes_of(batch), rows, inserted);
  BOOST_TEST(inserted == (std::vector<std::uint8_t>{1, 1, 0, 0, 1, 0}), boost::test_tools::per_element());
  for (const Row row : rows) *table.at<std::int64_t>(row, 1) += 1;
  BOOST_TEST(table.rows() == 3u);
  BOOST_TEST(table.get<std::int64_t>(table.find({i(5)}), 1) == 3);
  BOOST_TEST(!table.is_null(rows[0], 1));
}

BOOST_AUTO_TEST_CASE(batches_find_what_batches_stored_through_growth_and_erasing) {
  StateTable table(integers_spec());
  std::mt19937_64 random(42);
  std::map<std::int64_t, std::int64_t> model;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::int64_t> keys(1000);
    for (auto& key : keys) key = static_cast<std::int64_t>(random() % 20'000);
    const Batch batch = integers(keys);
    std::vector<Row> rows(batch.rows);
    table.upsert(batch, kKey, hashes_of(batch), rows, {});
    for (std::size_t k = 0; k < keys.size(); ++k) {
      *table.at<std::int64_t>(rows[k], 1) += 1;
      ++model[keys[k]];
    }
    for (int e = 0; e < 300; ++e) {
      const auto key = static_cast<std::int64_t>(random() % 20'000);
      if (const Row row = table.find({key})) table.erase(row);
      model.erase(key);
    }
    const Batch probe = integers(keys);
    table.find(probe, kKey, hashes_of(probe), rows);
    for (std::size_t k = 0; k < keys.size(); ++k) {
      BOOST_REQUIRE(static_cast<bool>(rows[k]) == model.contains(keys[k]));
      if (rows[k]) BOOST_REQUIRE(table.get<std::int64_t>(rows[k], 1) == model[keys[k]]);
    }
    BOOST_REQUIRE(table.rows() == model.size());
  }
}

BOOST_AUTO_TEST_CASE(rows_of_a_prefix_are_found_whole) {
  StateTable table(slices_spec());
  for (int t = 0; t < 50; ++t) {
    table.upsert({std::string_view("a"), i(t)});
    table.upsert({std::string_view("a host with a long name"), i(t * 2)});
  }
  for (int t = 0; t < 50; t += 3) table.erase(table.find({std::string_view("a"), i(t)}));
  std::vector<std::int64_t> times;
  for (Row row = table.find_prefix({std::string_view("a")}); row; row = table.next_of_prefix(row)) {
    times.push_back(table.get<std::int64_t>(row, 1));
  }
  std::ranges::sort(times);
  std::vector<std::int64_t> expected;
  for (int t = 0; t < 50; ++t)
    if (t % 3 != 0) expected.push_back(t);
  BOOST_TEST(times == expected, boost::test_tools::per_element());
  BOOST_TEST(!table.find_prefix({std::string_view("b")}));
  for (const std::int64_t t : expected) table.erase(table.find({std::string_view("a"), t}));
  BOOST_TEST(!table.find_prefix({std::string_view("a")}));
  BOOST_TEST(static_cast<bool>(table.find_prefix({std::string_view("a host with a long name")})));
}

BOOST_AUTO_TEST_CASE(rows_come_in_order_of_time_in_pieces_of_any_size) {
  StateTable table(slices_spec());
  std::mt19937_64 random(7);
  for (int n = 0; n < 500; ++n) {
    const std::string host = std::to_string(n);
    table.upsert({std::string_view(host), static_cast<std::int64_t>(random() % 40)});
  }
  for (const std::size_t size : {1U, 3U, 64U, 1000U}) {
    TimeCursor cursor;
    std::vector<std::int64_t> times;
    std::vector<Row> rows(size);
    while (const std::size_t count = table.scan_before(cursor, 30, rows)) {
      for (std::size_t k = 0; k < count; ++k) times.push_back(table.get<std::int64_t>(rows[k], 1));
    }
    BOOST_TEST(std::ranges::is_sorted(times));
    BOOST_TEST(times.back() == 29);
    cursor = StateTable::time_cursor(10);
    BOOST_TEST(table.scan_before(cursor, 30, std::span(rows).first(1)) == 1u);
    BOOST_TEST(table.get<std::int64_t>(rows[0], 1) == 10);
  }
  BOOST_TEST(*table.first_time() == 0);
  const std::size_t before = table.rows();
  const std::size_t erased = table.erase_before(30);
  BOOST_TEST(erased + table.rows() == before);
  BOOST_TEST(*table.first_time() == 30);
}

BOOST_AUTO_TEST_CASE(every_type_keeps_its_values_and_nulls) {
  const TableSpec spec = rich_spec();
  StateTable table(spec);
  StateModel model(spec);
  RandomCells random(99);
  for (int n = 0; n < 20'000; ++n) model.step(table, random);
  BOOST_TEST((contents_of(table) == model.contents()));
  BOOST_TEST(table.rows() > 100u);
}

BOOST_AUTO_TEST_CASE(gathered_columns_equal_the_cells) {
  const TableSpec spec = rich_spec();
  StateTable table(spec);
  StateModel model(spec);
  RandomCells random(5);
  for (int n = 0; n < 2'000; ++n) model.step(table, random);
  std::vector<Row> rows(table.rows());
  TableCursor cursor;
  BOOST_REQUIRE(table.scan(cursor, rows) == rows.size());
  StateTable copy(spec);
  Batch batch{nullptr, rows.size(), {}, {}};
  for (std::size_t c = 0; c < spec.columns(); ++c) batch.columns.push_back(table.gather(rows, c));
  copy.load(batch);
  BOOST_TEST((contents_of(copy) == contents_of(table)));
}

BOOST_AUTO_TEST_CASE(minus_zero_and_any_nan_are_one_key_each) {
  TableSpec spec;
  spec.name = "doubles";
  spec.key = {{"x", kDouble}};
  StateTable table(spec);
  table.upsert({0.0});
  BOOST_TEST(!table.upsert({-0.0}).second);
  table.upsert({std::nan("1")});
  BOOST_TEST(!table.upsert({-std::nan("2")}).second);
  table.upsert({Cell()});
  BOOST_TEST(!table.upsert({Cell()}).second);
  BOOST_TEST(table.rows() == 3u);
}

BOOST_AUTO_TEST_CASE(memory_of_replaced_and_erased_texts_is_used_again) {
  TableSpec spec = integers_spec();
  spec.value = {{"text", kVarchar}};
  StateTable table(spec, false);
  const auto churn = [&] {
    for (int n = 0; n < 2'000; ++n) {
      const Row row = table.upsert({i(n % 100)}).first;
      table.set_bytes(row, 1, std::string(static_cast<std::size_t>(20 + n * 7 % 500), 'x'));
      if (n % 3 == 0) table.erase(row);
    }
  };
  for (int n = 0; n < 5; ++n) churn();
  const std::size_t settled = table.size_bytes();
  for (int n = 0; n < 50; ++n) churn();
  BOOST_TEST(table.size_bytes() <= settled);
}

BOOST_AUTO_TEST_CASE(a_bad_spec_is_refused_with_its_name) {
  TableSpec spec = slices_spec();
  spec.ordered = "host";
  BOOST_TEST(check_spec(spec).what() == "state table 'slices': column 'host' has no order of time");
  spec = slices_spec();
  spec.value.push_back({"host", kBigint});
  BOOST_TEST(check_spec(spec).what() == "state table 'slices' has column 'host' twice");
  BOOST_TEST((*spec_from_json(spec_to_json(slices_spec())) == slices_spec()));
  BOOST_TEST(!spec_from_json("{}").ok());
}

BOOST_AUTO_TEST_SUITE_END()
