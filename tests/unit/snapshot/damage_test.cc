#include <sqlite3.h>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <random>

#include "snapshot/segment.h"
#include "snapshot/sql_value.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"
#include "tests/support/state_model.h"

using namespace stream;
namespace fs = std::filesystem;

namespace {

// Two checkpoints, each on a base of its own.
struct TwoCheckpoints {
  TwoCheckpoints() {
    for (std::uint64_t e = 1; e <= 2; ++e) {
      Instance instance(files, dir.path(), 0, 1, static_cast<std::uint32_t>(e));
      StateTable& table = instance.store.table(rich_spec());
      StateModel model(rich_spec());
      RandomCells random(e);
      for (int n = 0; n < 300; ++n) model.step(table, random);
      const InstanceFiles written = take(instance.writer.write(instance.store.capture(Epoch(e))));
      paths.push_back(dir / ("checkpoints/" + written.files[0].path));
      require_ok(publish_checkpoint(files, dir / "checkpoints", index_of(Epoch(e), 1, {written})));
    }
  }
  NewestGood find() { return take(find_newest_good(files, dir / "checkpoints")); }

  TempDir dir;
  FastFiles files;
  std::vector<std::string> paths;
};

void flip_bit(const std::string& path, std::size_t at, int bit) {
  fs::permissions(path, fs::perms::owner_all);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ (1 << bit));
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

void change_file(const std::string& path, const char* sql) {
  fs::permissions(path, fs::perms::owner_all);
  sqlite3* db = nullptr;
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  BOOST_TEST(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  BOOST_TEST(sqlite3_close(db) == SQLITE_OK);
}

void check_falls_back(TwoCheckpoints& two, const std::string& reason) {
  const NewestGood found = two.find();
  BOOST_REQUIRE(found.index);
  BOOST_TEST(found.index->epoch.value() == 1u);
  BOOST_REQUIRE(found.damaged.size() == 1u);
  BOOST_TEST(found.damaged[0].epoch.value() == 2u);
  BOOST_TEST(found.damaged[0].reason.find(reason) != std::string::npos, found.damaged[0].reason);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(damage)

BOOST_AUTO_TEST_CASE(undamaged_the_newest_is_found) {
  TwoCheckpoints two;
  const NewestGood found = two.find();
  BOOST_TEST(found.index->epoch.value() == 2u);
  BOOST_TEST(found.damaged.empty());
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_named) {
  TwoCheckpoints two;
  fs::remove(two.paths[1]);
  check_falls_back(two, "2/totals.0.a2.sqlite' is missing");
}

BOOST_AUTO_TEST_CASE(a_file_cut_short_is_named) {
  TwoCheckpoints two;
  fs::permissions(two.paths[1], fs::perms::owner_all);
  fs::resize_file(two.paths[1], fs::file_size(two.paths[1]) - 1);
  check_falls_back(two, "bytes, not");
}

BOOST_AUTO_TEST_CASE(any_flipped_bit_of_a_file_is_noticed) {
  std::mt19937_64 random(3);
  TwoCheckpoints two;
  const std::size_t size = fs::file_size(two.paths[1]);
  for (int n = 0; n < 20; ++n) {
    const std::size_t at = random() % size;
    flip_bit(two.paths[1], at, n % 8);
    check_falls_back(two, "does not match its SHA-256");
    flip_bit(two.paths[1], at, n % 8);
  }
}

BOOST_AUTO_TEST_CASE(any_flipped_bit_of_an_index_is_noticed_or_harmless) {
  TwoCheckpoints two;
  const std::string path = index_path(two.dir / "checkpoints", Epoch(2));
  const CheckpointIndex whole = take(load_index(path));
  const std::size_t size = fs::file_size(path);
  int noticed = 0;
  for (std::size_t at = 0; at < size; at += 37) {
    flip_bit(path, at, static_cast<int>(at % 8));
    const Result<CheckpointIndex> read = load_index(path);
    if (read.ok())
      BOOST_REQUIRE((*read == whole));
    else
      ++noticed;
    flip_bit(path, at, static_cast<int>(at % 8));
  }
  BOOST_TEST(noticed > 5);
}

BOOST_AUTO_TEST_CASE(a_restore_notices_damaged_segments_by_itself) {
  TwoCheckpoints two;
  const CheckpointIndex index = take(load_checkpoint(two.dir / "checkpoints", Epoch(2)));
  const RestoreSource source = restore_source(index, "totals", two.dir / "checkpoints", true);
  Contents whole;
  {
    StateStore store;
    StateTable& table = store.table(rich_spec());
    require_ok(store.restore(source));
    whole = contents_of(table);
  }
  const std::size_t size = fs::file_size(two.paths[1]);
  int noticed = 0;
  for (std::size_t at = 101; at < size; at += 1009) {
    flip_bit(two.paths[1], at, static_cast<int>(at % 8));
    StateStore store;
    StateTable& table = store.table(rich_spec());
    const Status status = store.restore(source);
    if (status.ok())
      BOOST_REQUIRE((contents_of(table) == whole));  // a byte that means nothing
    else
      ++noticed;
    flip_bit(two.paths[1], at, static_cast<int>(at % 8));
  }
  BOOST_TEST(noticed > 10);
}

BOOST_AUTO_TEST_CASE(an_impossible_number_of_rows_is_noticed_before_room_is_made_for_them) {
  TwoCheckpoints two;
  const CheckpointIndex index = take(load_checkpoint(two.dir / "checkpoints", Epoch(2)));
  change_file(two.paths[1], "UPDATE segments SET rows = 1 << 40");
  StateStore store;
  store.table(rich_spec());
  const Status status = store.restore(restore_source(index, "totals", two.dir / "checkpoints", true));
  BOOST_TEST(status.what().find("a segment has not its number of rows") != std::string::npos, status.what());
}

BOOST_AUTO_TEST_CASE(with_everything_damaged_nothing_is_found_and_each_is_reported) {
  TwoCheckpoints two;
  for (const std::string& path : two.paths) fs::remove(path);
  const NewestGood found = two.find();
  BOOST_TEST(!found.index);
  BOOST_TEST(found.damaged.size() == 2u);
}

BOOST_AUTO_TEST_CASE(no_segment_cut_or_changed_anywhere_is_read_beyond_its_end) {
  StateTable table(rich_spec());
  StateModel model(rich_spec());
  RandomCells cells(1);
  for (int n = 0; n < 60; ++n) model.step(table, cells);
  std::vector<Row> rows(table.rows());
  TableCursor cursor;
  table.scan(cursor, rows);
  Batch batch{nullptr, rows.size(), {}, {}};
  for (std::size_t c = 0; c < table.spec().columns(); ++c) batch.columns.push_back(table.gather(rows, c));
  ByteBuilder bytes;
  append_segment(batch, bytes);
  const auto read = [](const ByteBuilder& from, std::size_t size) {
    ByteBuilder copy;  // of its exact size, so that a sanitizer sees every byte too far
    copy.append(from.data(), size);
    return read_segment({nullptr, copy.data(), size}).ok();
  };
  BOOST_REQUIRE(read(bytes, bytes.size()));
  for (std::size_t size = 0; size < std::min<std::size_t>(bytes.size(), 3000); ++size)
    BOOST_REQUIRE(!read(bytes, size));
  for (std::size_t at = 0; at < std::min<std::size_t>(bytes.size(), 3000); ++at) {
    bytes.data()[at] ^= 0x81;
    (void)read(bytes, bytes.size());
    bytes.data()[at] ^= 0x81;
  }
}

BOOST_AUTO_TEST_CASE(values_survive_their_text_in_savepoints) {
  std::mt19937_64 random(11);
  for (int n = 0; n < 20'000; ++n) {
    const auto word = static_cast<std::int64_t>(random() >> (random() % 64));
    for (const std::int64_t value : {word, -word, INT64_MIN, INT64_MAX}) {
      BOOST_REQUIRE(*parse_timestamp_text(timestamp_text(value)) == value);
      const auto half = static_cast<std::int32_t>(value);
      BOOST_REQUIRE(*parse_date_text(date_text(half)) == half);
      const Interval interval{half, ~half, value};
      BOOST_REQUIRE(*parse_interval_text(interval_text(interval)) == interval);
      const Decimal decimal = static_cast<Decimal>(value) * 1'000'003;
      const auto scale = static_cast<std::uint8_t>(random() % 39);
      BOOST_REQUIRE(*parse_decimal_text(decimal_text(decimal, scale), scale) == decimal);
    }
  }
  BOOST_TEST(timestamp_text(-1) == "1969-12-31T23:59:59.999999Z");
  BOOST_TEST(timestamp_text(1'706'659'200'000'000) == "2024-01-31T00:00:00.000000Z");
  BOOST_TEST(date_text(11'016) == "2000-02-29");
  BOOST_TEST(decimal_text(-5, 3) == "-0.005");
  BOOST_TEST(interval_text({1, -2, -3'000'004}) == "P1M-2DT-3.000004S");
  for (const char* wrong : {"", "x", "2024-13-01T00:00:00.000000Z", "2024-01-01", "2024-01-01T00:00:00Z"}) {
    BOOST_TEST(!parse_timestamp_text(wrong).ok());
  }
}

BOOST_AUTO_TEST_CASE(decimals_survive_their_text_up_to_38_digits_and_no_further) {
  Decimal most = 0;
  for (int digit = 0; digit < 38; ++digit) most = most * 10 + 9;
  for (const std::uint8_t scale : {0, 1, 36, 37, 38}) {
    for (const Decimal value : {most, -most, most - 1, (Decimal{1} << 126) + 1, Decimal{0}}) {
      BOOST_TEST((*parse_decimal_text(decimal_text(value, scale), scale) == value));
    }
    BOOST_TEST(!parse_decimal_text(decimal_text(most + 1, scale), scale).ok());
    BOOST_TEST(!parse_decimal_text(decimal_text(-most - 1, scale), scale).ok());
  }
  // The second of these is 2^128 + 5: in 128 bits it is 5.
  for (const char* wrong : {"999999999999999999999999999999999999999", "340282366920938463463374607431768211461"}) {
    BOOST_TEST(!parse_decimal_text(wrong, 0).ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()
