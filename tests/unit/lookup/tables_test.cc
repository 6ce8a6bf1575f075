// Rows in memory: the whole reference, and what is kept of it.
#include <sqlite3.h>

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <set>

#include "stages/lookup/reference.h"
#include "stages/lookup/reference_table.h"
#include "stages/lookup/row_cache.h"
#include "tests/support/temp_dir.h"
#include "transport/record/key.h"

using namespace stream;

namespace {

constexpr std::uint32_t kNone = ReferenceTable::kNone;

using Key = std::pair<std::optional<std::int64_t>, std::string>;
struct Entry {
  Key key;
  std::optional<std::int64_t> valid_from;
  std::int64_t value = 0;
};

SchemaPtr reference_schema() {
  return std::make_shared<const Schema>(*parse_schema("value bigint, a bigint, b varchar, valid_from timestamp"));
}

void append(ColumnBuilder& out, const std::optional<std::int64_t>& value) {
  value ? out.append(*value) : out.append_null();
}

Batch batch_of(std::span<const Entry> entries) {
  BatchBuilder builder(reference_schema());
  for (const Entry& entry : entries) {
    builder.column(0).append(entry.value);
    append(builder.column(1), entry.key.first);
    builder.column(2).append_bytes(entry.key.second);
    append(builder.column(3), entry.valid_from);
    builder.end_row();
  }
  return builder.finish();
}

struct Keys {
  Batch batch;
  std::vector<std::uint64_t> hashes;
};

Keys keys_of(std::span<const Key> keys) {
  BatchBuilder builder(std::make_shared<const Schema>(*parse_schema("a bigint, b varchar")));
  for (const Key& key : keys) {
    append(builder.column(0), key.first);
    builder.column(1).append_bytes(key.second);
    builder.end_row();
  }
  Keys out{builder.finish(), std::vector<std::uint64_t>(keys.size())};
  hash_keys(out.batch, std::vector<std::size_t>{0, 1}, out.hashes);
  return out;
}

Keys integer_keys(std::span<const std::int64_t> keys) {
  BatchBuilder builder(std::make_shared<const Schema>(*parse_schema("a bigint")));
  for (const std::int64_t key : keys) {
    builder.column(0).append(key);
    builder.end_row();
  }
  Keys out{builder.finish(), std::vector<std::uint64_t>(keys.size())};
  hash_keys(out.batch, std::vector<std::size_t>{0}, out.hashes);
  return out;
}

template <class T>
T must(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.ok(), result.status().what());
  return *std::move(result);
}

std::int64_t value_at(const ReferenceTable& table, std::uint32_t row) {
  return table.rows().columns[0].value<std::int64_t>(row);
}

std::multiset<std::int64_t> values_of(std::span<const Batch> batches) {
  std::multiset<std::int64_t> out;
  for (const Batch& batch : batches) {
    for (std::size_t i = 0; i < batch.rows; ++i) out.insert(batch.columns[0].value<std::int64_t>(i));
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lookup_tables)

BOOST_AUTO_TEST_CASE(an_empty_reference_has_no_keys) {
  const auto table = must(ReferenceTable::make(reference_schema(), {}, {1, 2}, std::nullopt));
  const Key key{1, "x"};
  const Keys keys = keys_of({&key, 1});
  std::uint32_t found = 0;
  table->find(keys.batch, keys.hashes, {&found, 1});
  BOOST_TEST(found == kNone);
}

BOOST_AUTO_TEST_CASE(numbers_of_sqlite_are_read_to_their_last_digit) {
  const TempDir folder;
  Reference reference;
  reference.kind = ReferenceKind::kSqlite;
  reference.path = folder / "a.db";
  reference.table = "t";
  sqlite3* db = nullptr;
  BOOST_REQUIRE(sqlite3_open(reference.path.c_str(), &db) == SQLITE_OK);
  const char* const sql = "create table t (x); insert into t values (0.1 + 0.2), (7), ('1.5'), (null)";
  BOOST_REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  const auto schema = std::make_shared<const Schema>(*parse_schema("x double"));
  const std::vector<Batch> rows = must(make_reader(reference, schema, {})->read_all(1 << 20));
  BOOST_REQUIRE(rows.size() == 1u);
  const Column& x = rows[0].columns[0];
  BOOST_REQUIRE(x.size() == 4u);
  BOOST_TEST((x.value<double>(0) == 0.1 + 0.2 && x.value<double>(1) == 7 && x.value<double>(2) == 1.5 && !x.valid(3)));
}

BOOST_AUTO_TEST_CASE(all_rows_of_a_key_are_found_in_the_order_they_came) {
  std::mt19937 random(3);
  std::vector<Entry> entries;
  std::map<Key, std::vector<std::int64_t>> model;
  for (std::int64_t i = 0; i < 5000; ++i) {
    Entry entry{{random() % 700, std::string(random() % 30, 'x')}, 0, i};
    if (random() % 50 == 0) entry.key.first.reset();
    if (entry.key.first) model[entry.key].push_back(i);
    entries.push_back(std::move(entry));
  }
  const std::vector<Batch> batches = {batch_of(std::span(entries).first(1200)),
                                      batch_of(std::span(entries).subspan(1200))};
  const auto table = must(ReferenceTable::make(reference_schema(), batches, {1, 2}, std::nullopt));
  BOOST_TEST(table->keys() == model.size());
  std::vector<Key> asked;
  for (const auto& [key, values] : model) asked.push_back(key);
  asked.push_back({std::nullopt, "xx"});
  asked.push_back({700, "xx"});
  const Keys keys = keys_of(asked);
  std::vector<std::uint32_t> found(asked.size());
  table->find(keys.batch, keys.hashes, found);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    std::vector<std::int64_t> values;
    if (found[i] != kNone) {
      for (std::uint32_t row = table->begin(found[i]); row < table->begin(found[i] + 1); ++row) {
        values.push_back(value_at(*table, row));
      }
    }
    BOOST_TEST_REQUIRE(values == model[asked[i]], boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(integers_are_keys_of_their_own_way) {
  std::vector<Entry> entries;
  for (std::int64_t i = 0; i < 3000; ++i) entries.push_back({{i * 7 - 10'000, ""}, 0, i});
  const Batch batch = batch_of(entries);
  const auto table = must(ReferenceTable::make(reference_schema(), {&batch, 1}, {1}, std::nullopt));
  BOOST_TEST(table->unique());
  std::vector<std::int64_t> asked;
  for (std::int64_t key = -10'010; key < 11'100; ++key) asked.push_back(key);
  const Keys keys = integer_keys(asked);
  std::vector<std::uint32_t> found(asked.size());
  table->find(keys.batch, keys.hashes, found);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::int64_t from = asked[i] + 10'000;
    const bool there = from >= 0 && from % 7 == 0 && from / 7 < 3000;
    BOOST_TEST_REQUIRE((found[i] != kNone) == there);
    if (there) BOOST_TEST_REQUIRE(value_at(*table, found[i]) == from / 7);
  }
}

BOOST_AUTO_TEST_CASE(the_version_is_the_one_valid_at_the_time) {
  std::mt19937 random(5);
  std::vector<Entry> entries;
  for (std::int64_t i = 0; i < 2000; ++i) {
    Entry entry{{random() % 40, "k"}, random() % 1000, i};
    if (random() % 30 == 0) entry.valid_from.reset();
    entries.push_back(entry);
  }
  const Batch batch = batch_of(entries);
  const auto table = must(ReferenceTable::make(reference_schema(), {&batch, 1}, {1, 2}, 3));
  for (int round = 0; round < 3000; ++round) {
    const Key key{random() % 42, "k"};
    const std::int64_t time = random() % 1010;
    std::optional<Entry> wanted;  // the last of the latest
    for (const Entry& entry : entries) {
      if (entry.key != key || !entry.valid_from || *entry.valid_from > time) continue;
      if (!wanted || *entry.valid_from >= *wanted->valid_from) wanted = entry;
    }
    const Keys keys = keys_of({&key, 1});
    std::uint32_t found = 0;
    table->find(keys.batch, keys.hashes, {&found, 1});
    const std::uint32_t row = found == kNone ? kNone : table->valid_at(found, time);
    BOOST_TEST_REQUIRE((row != kNone) == wanted.has_value());
    if (wanted) BOOST_TEST_REQUIRE(value_at(*table, row) == wanted->value);
  }
}

BOOST_AUTO_TEST_CASE(the_cache_gives_what_was_put_in_and_stays_small) {
  std::mt19937 random(9);
  std::map<Key, std::vector<std::int64_t>> truth;  // of the database; keys without rows too
  std::vector<Key> all;
  for (std::int64_t i = 0; i < 300; ++i) {
    const Key key{i, std::string(i % 3, 'y')};
    all.push_back(key);
    for (unsigned n = random() % 4; n > 0; --n) truth[key].push_back(i * 10 + n);
  }
  RowCache cache(reference_schema(), {1, 2}, 120, std::nullopt);
  std::size_t hits = 0;
  for (int round = 0; round < 400; ++round) {
    std::shuffle(all.begin(), all.end(), random);
    const std::vector<Key> asked(all.begin(), all.begin() + 1 + random() % 60);
    const Keys keys = keys_of(asked);
    std::vector<Batch> found;
    const std::vector<std::uint32_t> missing = cache.find(keys.batch, keys.hashes, round, found);
    std::multiset<std::int64_t> wanted;
    std::vector<Key> missed;
    for (std::uint32_t i = 0; i < asked.size(); ++i) {
      if (std::ranges::find(missing, i) != missing.end()) {
        missed.push_back(asked[i]);
      } else {
        wanted.insert(truth[asked[i]].begin(), truth[asked[i]].end());
      }
    }
    hits += asked.size() - missed.size();
    BOOST_TEST_REQUIRE((values_of(found) == wanted));
    std::vector<Entry> read;
    for (const Key& key : missed) {
      for (const std::int64_t value : truth[key]) read.push_back({key, 0, value});
    }
    const Keys missing_keys = keys_of(missed);
    const Batch rows = batch_of(read);
    if (!missed.empty()) cache.add(missing_keys.batch, missing_keys.hashes, {&rows, 1}, round);
    BOOST_TEST_REQUIRE(cache.rows() <= 120U);
  }
  BOOST_TEST(hits > 500U);
}

BOOST_AUTO_TEST_CASE(the_key_that_was_not_used_for_longest_leaves_first) {
  RowCache cache(reference_schema(), {1, 2}, 2, std::nullopt);
  const auto ask = [&](std::int64_t number) {
    const Key key{number, ""};
    const Keys keys = keys_of({&key, 1});
    std::vector<Batch> found;
    const bool missing = !cache.find(keys.batch, keys.hashes, 0, found).empty();
    const Entry entry{key, 0, number};
    const Batch rows = batch_of({&entry, 1});
    if (missing) cache.add(keys.batch, keys.hashes, {&rows, 1}, 0);
    return !missing;
  };
  BOOST_TEST(!ask(1));
  BOOST_TEST(!ask(2));
  BOOST_TEST(ask(1));
  BOOST_TEST(!ask(3));  // 2 leaves
  BOOST_TEST(ask(1));
  BOOST_TEST(!ask(2));  // 3 leaves
  BOOST_TEST(!ask(3));
}

BOOST_AUTO_TEST_CASE(what_is_too_old_is_not_there) {
  RowCache cache(reference_schema(), {1, 2}, 100, 50);
  const Key key{1, "x"};
  const Keys keys = keys_of({&key, 1});
  std::vector<Batch> found;
  cache.add(keys.batch, keys.hashes, {}, 1000);  // it has no rows
  BOOST_TEST(cache.find(keys.batch, keys.hashes, 1049, found).empty());
  BOOST_TEST(cache.find(keys.batch, keys.hashes, 1050, found).size() == 1U);
  BOOST_TEST(cache.rows() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
