#include <boost/test/unit_test.hpp>

#include "transport/record/batch.h"
#include "transport/record/key.h"

using namespace stream;

namespace {

SchemaPtr schema_of(const char* text) { return std::make_shared<const Schema>(*parse_schema(text)); }

Batch sample() {
  BatchBuilder builder(schema_of("n bigint, name varchar, ok boolean"));
  for (int i = 0; i < 20; ++i) {
    builder.column(0).append<std::int64_t>(i);
    if (i % 3 == 1) {
      builder.column(1).append_null();
    } else {
      builder.column(1).append_bytes(std::string(static_cast<std::size_t>(i), 'x'));
    }
    builder.column(2).append<std::uint8_t>(i % 2 == 0);
    builder.end_row(i == 7 ? RowKind::kDelete : RowKind::kInsert);
  }
  return builder.finish();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(a_builder_keeps_values_nulls_and_kinds) {
  const Batch batch = sample();
  BOOST_TEST(batch.rows == 20u);
  for (std::size_t i = 0; i < 20; ++i) {
    BOOST_TEST(batch.columns[0].value<std::int64_t>(i) == static_cast<std::int64_t>(i));
    BOOST_TEST(batch.columns[1].valid(i) == (i % 3 != 1));
    if (i % 3 != 1) BOOST_TEST(batch.columns[1].bytes(i).size() == i);
    BOOST_TEST((batch.kind(i) == (i == 7 ? RowKind::kDelete : RowKind::kInsert)));
  }
}

BOOST_AUTO_TEST_CASE(taking_rows_keeps_their_order_nulls_and_kinds) {
  const std::vector<std::uint32_t> rows = {19, 7, 7, 1, 0};
  const Batch taken = sample().take(rows);
  BOOST_TEST(taken.rows == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BOOST_TEST(taken.columns[0].value<std::int64_t>(i) == rows[i]);
    BOOST_TEST(taken.columns[1].valid(i) == (rows[i] % 3 != 1));
  }
  BOOST_TEST((taken.kind(1) == RowKind::kDelete));
}

BOOST_AUTO_TEST_CASE(a_dropped_row_leaves_no_trace) {
  BatchBuilder builder(schema_of("n bigint, name varchar"));
  builder.column(0).append<std::int64_t>(1);
  builder.column(1).append_null();
  builder.end_row();
  builder.column(0).append<std::int64_t>(2);
  builder.column(1).append_bytes("gone");
  builder.drop_row();
  builder.column(0).append<std::int64_t>(3);
  builder.column(1).append_bytes("kept");
  builder.end_row();
  const Batch batch = builder.finish();
  BOOST_TEST(batch.rows == 2u);
  BOOST_TEST(batch.columns[0].value<std::int64_t>(1) == 3);
  BOOST_TEST(batch.columns[1].bytes(1) == "kept");
  BOOST_TEST(!batch.columns[1].valid(0));
}

BOOST_AUTO_TEST_CASE(schemas_survive_text_and_json) {
  const Schema schema = *parse_schema("ts timestamp, \"odd, name\" decimal(10,2), n int");
  BOOST_TEST(schema.fields[1].name == "odd, name");
  BOOST_TEST((*parse_schema(to_string(schema)) == schema));
  Schema rich = schema;
  rich.time = 0;
  rich.key = {2, 1};
  rich.changelog = Changelog::kUpdates;
  BOOST_TEST((*schema_from_json(schema_to_json(rich)) == rich));
}

BOOST_AUTO_TEST_CASE(a_bad_schema_names_its_fault) {
  BOOST_TEST(parse_schema("n bigit").status().what() == "unknown type 'bigit'; did you mean 'BIGINT'?");
  BOOST_TEST(!parse_schema("a int, a int").ok());
  BOOST_TEST(!parse_schema("a").ok());
  BOOST_TEST(!parse_schema("").ok());
  BOOST_TEST(!schema_from_json("{\"fields\":[{\"name\":1}]}").ok());
}

BOOST_AUTO_TEST_CASE(every_row_hashes_like_its_encoded_key) {
  const Batch batch = sample();
  const std::vector<std::vector<std::size_t>> keys = {{0}, {1}, {2}, {0, 1}};
  for (const auto& key : keys) {
    std::vector<std::uint64_t> hashes(batch.rows);
    hash_keys(batch, key, hashes);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      std::string encoded;
      append_key(batch, key, row, encoded);
      BOOST_TEST(hashes[row] == hash_key(encoded));
    }
  }
}

BOOST_AUTO_TEST_CASE(equal_decimals_of_different_scale_are_one_key) {
  const auto encoded = [](std::uint8_t scale, Decimal value) {
    ColumnBuilder column(decimal_type(10, scale));
    column.append(value);
    const Batch batch{nullptr, 1, {column.finish()}, {}};
    std::string out;
    const std::size_t key[] = {0};
    append_key(batch, key, 0, out);
    return out;
  };
  BOOST_TEST(encoded(2, 150) == encoded(1, 15));
  BOOST_TEST(encoded(2, 151) != encoded(1, 15));
}

BOOST_AUTO_TEST_CASE(every_key_group_has_exactly_one_owner) {
  for (std::uint32_t parallelism = 1; parallelism <= 7; ++parallelism) {
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      const KeyGroupRange range = key_groups_of(i, parallelism, 1024);
      BOOST_TEST(range.begin == next);
      for (std::uint32_t g = range.begin; g < range.end; ++g) {
        BOOST_TEST(owner_of(KeyGroup(g), 1024, parallelism) == i);
      }
      next = range.end;
    }
    BOOST_TEST(next == 1024u);
  }
}

BOOST_AUTO_TEST_CASE(a_slice_holds_the_rows_between) {
  ColumnBuilder numbers(kBigint);
  ColumnBuilder texts(kVarchar);
  ColumnBuilder nulls(kBigint);
  ByteBuilder kinds;
  for (std::int64_t i = 0; i < 9; ++i) {
    numbers.append(i);
    texts.append_bytes("t" + std::to_string(i));
    i % 2 == 0 ? nulls.append_null() : nulls.append(i);
    kinds.append_value(static_cast<std::uint8_t>(i % 3));
  }
  const Batch whole{nullptr, 9, {numbers.finish(), texts.finish(), nulls.finish()}, kinds.finish()};
  const Batch part = whole.slice(3, 8);
  BOOST_TEST(part.rows == 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    BOOST_TEST(part.columns[0].value<std::int64_t>(i) == static_cast<std::int64_t>(i + 3));
    BOOST_TEST(part.columns[1].bytes(i) == "t" + std::to_string(i + 3));
    BOOST_TEST(part.columns[2].valid(i) == ((i + 3) % 2 != 0));
    BOOST_TEST((part.kind(i) == whole.kind(i + 3)));
  }
  BOOST_TEST(part.columns[0].values_buffer().data() == whole.columns[0].values_buffer().data() + 3 * 8);  // no copy
}

BOOST_AUTO_TEST_SUITE_END()
